"""Signs in to a server with a client of the Python SDK, and calls a tool:

    signin.py URL REDIRECT [METADATA_URL]

Prints the URL to open, reads the URL that the browser was sent back to, and prints
what the tool said. Then it renews its token and calls the tool again.
"""
import asyncio
import sys
from urllib.parse import parse_qs, urlparse

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

url, redirect, *rest = sys.argv[1:]


class Storage:
    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def show(target):
    print(target, flush=True)


async def back():
    query = parse_qs(urlparse(sys.stdin.readline().strip()).query)
    return AuthorizationCodeResult(code=query["code"][0], state=query["state"][0], iss=query.get("iss", [None])[0])


storage = Storage()


async def call():
    provider = OAuthClientProvider(
        url,
        OAuthClientMetadata(client_name="Python", redirect_uris=[redirect], token_endpoint_auth_method="none"),
        storage, show, back, client_metadata_url=rest[0] if rest else None,
    )
    async with httpx2.AsyncClient(auth=provider) as http:
        async with Client(streamable_http_client(url, http_client=http)) as client:
            result = await client.call_tool("whoami", {})
            print("".join(block.text for block in result.content), flush=True)


async def main():
    await call()
    first = storage.tokens.access_token
    storage.tokens.access_token = "expired"
    await call()
    if storage.tokens.access_token == first:
        print("not renewed", flush=True)


asyncio.run(main())
