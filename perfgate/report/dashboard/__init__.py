"""The page and the text of results over time: a History in, HTML, markdown and charts out."""
