"""Does a Mastodon behave as the bot and its sandbox think? Plain HTTP, pytest and httpx only.

Over the sandbox of 4.3 and of 4.6 by default; over a real server when ``MASTODON_URL`` names one (see ``server.py``).
Nothing here expects an empty server: every test makes what it needs and looks at nothing else.
"""
