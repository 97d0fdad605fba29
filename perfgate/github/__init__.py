"""GitHub: events, the client, comments. The only room that knows PyGithub; imports it late."""
