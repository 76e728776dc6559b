"""A company's proxy, as the environment names it (`HTTPS_PROXY`, `NO_PROXY`).

It is asked for once for each provider: requests and aiohttp would read the environment again for every call, which
costs a sixth of an SMS, and two hops through a thread for an e-mail.
"""

from urllib.request import getproxies, proxy_bypass

from yarl import URL


def proxy_for(url: str) -> str | None:
    """The proxy through which an address is reached, or None."""
    target = URL(url)
    return None if proxy_bypass(target.host or "") else getproxies().get(target.scheme)
