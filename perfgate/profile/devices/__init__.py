"""The devices that perfgate measures on, each behind one Protocol. torch is imported late."""
