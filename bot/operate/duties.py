"""What acting on finds may oblige an operator to, by place: read before the first run, and no legal advice.

The texts say what a law asks for in a sentence and name it, so that an operator can look it up or show it to a lawyer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADLINE = "Before you act on what is found (this is not legal advice)"

EVERYWHERE = (
    "A score is a reason to look, not knowledge. Known material is rare: a detector that wrongly flags one picture in "
    "a hundred gives some two hundred false flags for each true one.",
    "Removing a post leaves its file public. Purging the file destroys what a later report may need and cannot be "
    "undone: decide what you keep, if anything, before you let anything be purged.",
    "Keeping or passing on suspected material may itself be an offence. Do not send it to chats, e-mail, issue "
    "trackers or other servers.",
    "Fediwarden files no report with any authority. Know whom you would call, and who in your team does it.",
)

BY_PLACE = {
    "us": (
        "A provider that has actual knowledge of apparent child sexual abuse material reports it to NCMEC's "
        "CyberTipline as soon as reasonably possible (18 U.S.C. 2258A). No official source says whether a "
        "volunteer's server is a provider: assume that it is. There is no duty to scan.",
        "A completed report has to be preserved for one year, in a secure place that few can reach. The law is silent "
        "on the time between finding and reporting: purging in between is the risk.",
        "What was reported goes to NCMEC and to law enforcement, and to nobody else.",
        "Since May 2026 intimate pictures published without consent, deepfakes among them, have to be gone within 48 "
        "hours of a valid notice (TAKE IT DOWN Act); servers like yours are probably meant.",
    ),
    "eu": (
        "The Digital Services Act binds every host, however small: let people send notices (Art. 16), tell a user "
        "what was restricted, why, and that software took part in it (Art. 17), and inform the authorities of a "
        "suspected crime that threatens somebody's life or safety (Art. 18).",
        "In some member states keeping a copy is itself an offence, even to report it. Ask your national hotline "
        "before you keep anything.",
        "The exception that allowed scanning of private messages ended on 3 April 2026. Fediwarden reads none "
        "but those that their recipient reported.",
    ),
    "uk": (
        "Since 7 April 2026 a provider, and one person can be a provider, reports detected child sexual exploitation "
        "and abuse content to the National Crime Agency (Online Safety Act 2023, s.66). Being told by a user counts "
        "as detecting. Register with the NCA before the first report.",
        "The content, the report and the user's data are kept for one year. A report to a foreign body such as NCMEC "
        "under a standing arrangement can take its place.",
        "Making a copy is an offence with a narrow defence for preventing and detecting crime. Do not look longer, or "
        "copy more, than the report needs.",
    ),
    "other": (
        "Find your country's hotline and police contact now. In Canada reports go to Cybertip.ca and the police, what "
        "was reported is preserved for 21 days, and telling anybody may be an offence; in Australia details go to the "
        "Federal Police within a reasonable time.",
        "If you or your server are in the US, the EU or the UK, their duties bind you: choose that place to read them.",
    ),
}


def notice(place: str) -> Sequence[str]:
    """The paragraphs for one place: ``us``, ``eu``, ``uk`` or ``other``."""
    return (*EVERYWHERE, *BY_PLACE[place])
