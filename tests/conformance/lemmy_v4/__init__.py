"""What the bot relies on in Lemmy 1.0 and its API v4, said in plain HTTP, over the sandbox or over a real server."""
