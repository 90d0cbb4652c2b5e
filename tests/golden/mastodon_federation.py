"""placeholder"""


def federation(story, client):
    return None
