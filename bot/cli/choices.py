"""What ``init`` lets one choose from, and what each choice means."""

from __future__ import annotations

from enum import StrEnum


class StageWord(StrEnum):
    """Stages, as a rule climbs them."""

    OBSERVE = "observe"
    REPORT = "report"
    HIDE = "hide"
    ENFORCE = "enforce"


class EvidenceWord(StrEnum):
    """What is kept of a purged file."""

    UNDECIDED = "undecided"
    NONE = "none"


class UploadsWord(StrEnum):
    """What happens to uploads that nobody posted."""

    SCAN = "scan"
    IGNORE = "ignore"


class Place(StrEnum):
    """Where the server and its operator are."""

    US = "us"
    EU = "eu"
    UK = "uk"
    OTHER = "other"


STAGES = {
    StageWord.OBSERVE: "nothing is done; what would have been is listed for you. Begin here",
    StageWord.REPORT: "files reports",
    StageWord.HIDE: "also removes posts and comments, which can be restored",
    StageWord.ENFORCE: "also bans, and purges files where you allow it",
}
EVIDENCE = {
    EvidenceWord.UNDECIDED: "nothing is purged until you decide",
    EvidenceWord.NONE: "files may be purged, and no copy is kept",
}
UPLOADS = {
    UploadsWord.SCAN: "they are public for whoever has the address, so look at them too",
    UploadsWord.IGNORE: "look only at what was posted",
}
PLACES = {
    Place.US: "United States",
    Place.EU: "European Union",
    Place.UK: "United Kingdom",
    Place.OTHER: "somewhere else",
}
