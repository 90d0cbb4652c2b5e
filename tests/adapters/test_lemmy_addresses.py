from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http import checked_url
from adapters.lemmy.addresses import Addresses, own_alias, unproxied
from adapters.markup import links
from bot.domain.content import Alias, InstanceId, RemoteUrl

HOST = "lemmy.example"
ALIAS = "c72b5166-fdff-4e92-99fe-ad909b99ea25.png"
OWN = f"https://{HOST}/pictrs/image/{ALIAS}"
MAIN = Addresses(instance=InstanceId("main"), url=f"https://{HOST}")


def proxied(url: str, host: str = HOST) -> str:
    return f"https://{host}/api/v3/image_proxy?url={quote(url, safe='')}"


@pytest.mark.parametrize(
    "url",
    [
        OWN,
        f"{OWN}?format=webp&thumbnail=256",
        f"{OWN}#x",
        OWN.replace("https", "http"),
        OWN.replace(HOST, "LEMMY.example:443"),
        OWN.replace(HOST, f"{HOST}."),
        OWN.replace("//lemmy", "//user@lemmy"),
        OWN.replace("/pictrs/image/", "//pictrs//image/"),
        OWN.replace("-", "%2d"),
        f"https://{HOST}/api/v4/image/{ALIAS}?file_type=webp",
        f"https://{HOST}/pictrs/image/qW3rTyuIop.jpg",
        proxied(OWN),
        proxied(proxied(OWN)),
        f"https://{HOST}/api/v4/image/proxy?url={quote(OWN, safe='')}&max_size=512",
        OWN.replace(ALIAS, ALIAS.upper().replace("PNG", "png")),
        OWN.replace(ALIAS, ALIAS.replace("-", "")),
        OWN.replace(ALIAS, f"%7b{ALIAS.replace('.', '%7D.')}"),
        OWN.replace(ALIAS, f"urn:uuid:{ALIAS}"),
        OWN.replace("-", "%252d"),
        OWN.replace("pictrs", "%70ictrs"),
        OWN.replace("/image/", "/%2e%2E/x/../pictrs/./image/"),
        OWN.replace("fdff", "%66%09dff"),
        OWN.replace("https://lemmy.", "HTTPS:\\\\lemmy\u3002"),
        OWN.replace(HOST, f"{HOST}:0443"),
        f"{OWN}%3Fx=y",
        f"{OWN}%23x",
        f"{OWN}%26thumbnail=9?format=webp",
        OWN.replace("/image/", "/image/x%2F..%2F"),
        OWN.replace("/image/", "/image/..%2foriginal%5c"),
        OWN.replace("/image/", "/image/..%2Fprocess.webp%3Fsrc%3D"),
        f"https://{HOST}/api/v3/image%5Fproxy?%75rl={quote(OWN, safe='')}",
    ],
)
def test_own_file(url: str) -> None:
    assert own_alias(url, HOST) in {ALIAS, "qW3rTyuIop.jpg"}


@pytest.mark.parametrize(
    "url",
    [
        OWN.replace(HOST, "evil.example"),
        OWN.replace(HOST, f"{HOST}:8080"),
        OWN.replace(HOST, f"{HOST}.evil.example"),
        OWN.replace(HOST, f"{HOST}@evil.example"),
        OWN.replace(HOST, f"evil.example/{HOST}"),
        f"https://evil.example/x/{ALIAS}",
        proxied(OWN, "evil.example"),
        proxied(OWN.replace(HOST, "evil.example")),
        proxied(proxied(OWN, "evil.example")),
        f"https://{HOST}/u/{ALIAS}",
        f"https://{HOST}/pictrs/image/delete/x/{ALIAS}",
        f"https://{HOST}/pictrs/image/..%2f..%2fsecret.png",
        f"https://{HOST}/pictrs/image/",
        OWN.replace("/pictrs/image/", "/pictrs%2Fimage/"),
        OWN.replace(ALIAS, f"%7b{ALIAS}"),
        OWN.replace("/image/", "/image/../"),
        OWN.replace(ALIAS, f"x{ALIAS}"[:-1] + "g.webp.png"),
        OWN.replace(ALIAS, f"{ALIAS}%26/..%2Fd{ALIAS[1:]}".replace("/..", "%2F..")),
        OWN.replace("/image/", "/image/..%2F..%2F..%2Fx.evil.example%2F"),
        f"https://{HOST}:99999/pictrs/image/{ALIAS}",
        "not a url",
        "",
    ],
)
def test_not_our_file(url: str) -> None:
    assert own_alias(url, HOST) is None


def test_names() -> None:
    far = "https://far.example/a.png?b=c"
    assert MAIN.name_of(OWN) == Alias(instance=InstanceId("main"), value=ALIAS)
    assert MAIN.name_of(far) == RemoteUrl(value=far)
    assert MAIN.name_of(proxied(far)) == RemoteUrl(value=far)
    assert MAIN.name_of(proxied(far, "other.example")) == RemoteUrl(value=proxied(far, "other.example"))
    assert MAIN.address(MAIN.name_of(f"{OWN}?thumbnail=9")) == OWN
    assert MAIN.address(RemoteUrl(value=far)) == far


def test_proxies_within_proxies_end() -> None:
    url = OWN
    for _ in range(50):
        url = proxied(url)[:6000]
    assert unproxied(url, HOST).startswith(f"https://{HOST}/api/v3/image_proxy")


def test_every_writing_of_a_name_is_the_name_that_is_listed() -> None:
    assert own_alias(OWN.replace(ALIAS, ALIAS.upper().replace("PNG", "png")), HOST) == ALIAS
    assert own_alias(f"https://{HOST}/pictrs/image/QW3rTyuIop.jpg", HOST) == "QW3rTyuIop.jpg"
    assert own_alias(OWN.replace("png", "PNG"), HOST) == ALIAS.replace("png", "PNG"), "endings are compared as they are"


def test_host_in_another_script_is_ours_however_a_text_writes_it() -> None:
    here = Addresses(instance=InstanceId("main"), url=checked_url("https://b\u00fccher.example"))
    texts = [f"![](https://{host}/pictrs/image/{ALIAS})" for host in ("B\u00dcCHER.example", "xn--bcher-kva.example")]
    names = [here.name_of(link.url) for text in texts for link in links(text)]
    assert names == [Alias(instance=here.instance, value=ALIAS)] * 2


@given(st.text(), st.text())
def test_never_raises(url: str, host: str) -> None:
    own_alias(url, host)
    own_alias(f"https://{HOST}/pictrs/image/{url}", HOST)


@given(
    st.from_regex(r"https?://[a-z]{1,5}(\.[a-z]{1,5})?(:[0-9]{1,5})?/pictrs/image/[a-z0-9-]{8,40}\.png", fullmatch=True)
)
def test_other_hosts_never_name_our_files(url: str) -> None:
    assert own_alias(url, HOST) is None
