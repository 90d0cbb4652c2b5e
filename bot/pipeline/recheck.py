"""Days may pass between a verdict and a human's approval: is what was judged still there?"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from bot.domain.content import Alias, Role
from bot.domain.decisions import (
    BanAccount,
    LimitAccount,
    MarkSensitive,
    Notify,
    PurgeFile,
    Remove,
    Report,
    SetSwitch,
)
from bot.domain.evidence import How
from bot.ports import Gone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.attribution import Index
    from bot.domain.content import InstanceId, Name, Subject
    from bot.ports import Instance, IntentRecord, Ledger

OTHER_BYTES = "the file under that name has other bytes now"


class Recheck:
    """Asks the platform once more before the first try of what a human approved. Fetches and scans nothing."""

    def __init__(self, ledger: Ledger, index: Index, instances: Mapping[InstanceId, Instance]) -> None:
        """``index``: over the same ledger and instances."""
        self._ledger = ledger
        self._index = index
        self._instances = instances

    def __call__(self, record: IntentRecord) -> str | None:
        """Why it must not be done any more, in words; ``None`` where everything is as it was judged.

        What nobody can tell is no reason. Raises ``PlatformError`` when the server cannot be asked.
        """
        intent = record.intent
        match intent:
            case Report():
                files = self._files(record)
                changed = [self._no_longer_shown(subject, files) for subject in intent.subjects]
                return None if None in changed else changed[0]  # those that changed are left out of it
            case Remove() | MarkSensitive():
                return self._no_longer_shown(intent.subject, self._files(record), intent)
            case PurgeFile():
                return self._other_bytes(intent, self._files(record))
            case LimitAccount() | BanAccount():
                return self._another_uploader(intent, self._files(record))
            case SetSwitch() | Notify():
                return None
            case _:
                assert_never(intent)

    def _files(self, record: IntentRecord) -> Sequence[int]:
        """What was judged, and what the case holds for the same picture."""
        case = self._ledger.case(record.case)
        return list(dict.fromkeys([record.file, *(case.files if case is not None else ())]))

    def _no_longer_shown(
        self, subject: Subject, files: Sequence[int], deed: Remove | MarkSensitive | None = None
    ) -> str | None:
        now = self._instances[subject.instance].sources[0].read(subject.key)
        if isinstance(now, Gone):
            return None if deed is not None and self._hidden(deed) else f"the {subject.kind} is gone"
        if now.withdrawn:
            return f"its author has deleted the {subject.kind}"
        names = {record.name for file_id in files for record in self._ledger.names_of(file_id)}
        digests = self._digests(files)
        shown = dict.fromkeys(sighting.name for sighting in now.sightings if sighting.subject.key == subject.key)
        for name in sorted(shown, key=lambda name: name not in names):
            digest = self._digest(name)
            if digest in digests or (digest is None and name in names):
                return None
        if not names.isdisjoint(shown) or not names:
            return OTHER_BYTES
        return f"the {subject.kind} no longer shows that file"

    def _hidden(self, deed: Remove | MarkSensitive) -> bool:
        """Whether what nobody is shown may be there still, hidden with its account, and would come back with it.

        Where the server cannot tell, it may.
        """
        if deed.subject.author is None:
            return False
        found = self._instances[deed.subject.instance].enforcer.verify(deed)
        if isinstance(deed, Remove) and found.so:
            return False
        return found.so is None or bool(found.state)

    def _other_bytes(self, intent: PurgeFile, files: Sequence[int]) -> str | None:
        digest = self._digest(intent.name)
        if digest is None or digest in self._digests(files):
            return None
        known = self._ledger.name(str(intent.name))
        if known is None:
            return OTHER_BYTES
        # A thumbnail that the server made goes with its picture, and has bytes of its own.
        made = any(
            sighting.name == intent.name and sighting.media.role is Role.THUMBNAIL
            for sighting in self._ledger.sightings_of(known.file_id)
        )
        return None if made and digest in self._digests([known.file_id]) else OTHER_BYTES

    def _another_uploader(self, intent: LimitAccount | BanAccount, files: Sequence[int]) -> str | None:
        """A limit or ban is about what the account stored, whether or not it is shown or there any more."""
        stored = (upload for file_id in files for upload in self._ledger.uploads_of(file_id))
        if any(upload.uploader.uri == intent.account.uri for upload in stored):
            return None  # a platform's upload list said so, and of one name that is enough: a flood has ten thousand
        for file_id in files:
            for name, attribution in self._index.about(file_id).attributions.items():
                if attribution.how is not How.LISTED and isinstance(name, Alias):
                    self._index.asking.learn_uploader(name)
        uploaders = {
            attribution.uploader.uri
            for file_id in files
            for attribution in self._index.about(file_id).attributions.values()
            if attribution.uploader is not None
        }
        if uploaders and intent.account.uri not in uploaders:
            return "the account is not the uploader any more"
        return None

    def _digest(self, name: Name) -> str | None:
        """By our own server's word, of its own files only."""
        return self._instances[name.instance].resolver.digest(name) if isinstance(name, Alias) else None

    def _digests(self, files: Sequence[int]) -> set[str]:
        known = [self._ledger.file(file_id) for file_id in files]
        return {file.sha256 for file in known if file is not None and file.sha256 is not None}
