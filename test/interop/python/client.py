"""A client on one of the Python SDKs: client.py SDK TARGET...

SDK is client (mcp 2, any version), client-handshake (mcp 2, versions with a
handshake), session (mcp 1 and the Python MCPEngine) or fastmcp. TARGET is the
URL of a server or the command of one. Prints what it saw as JSON.
"""
import asyncio
import json
import os
import sys

sdk, target = sys.argv[1], sys.argv[2:]
url = target[0] if target[0].startswith("http") else None
seen = {}


def text(result):
    return "".join(block.text for block in result.content)


async def tour(list_tools, call_tool, read_resource, get_prompt):
    seen["tools"] = sorted(tool.name for tool in (await list_tools()))
    seen["greet"] = text(await call_tool("greet", {"name": "Ada"}))
    seen["add"] = json.loads(text(await call_tool("add", {"a": 2, "b": 3})))
    seen["complain"] = text(await call_tool("complain", {}))
    seen["note"] = (await read_resource("note://welcome")).contents[0].text
    seen["prompt"] = (await get_prompt("review", {"file": "main.go"})).messages[0].content.text


async def session():
    """mcp 1 and the Python MCPEngine: a session over two streams."""
    try:
        import mcp
        from mcp.client import sse, stdio
    except ImportError:
        import mcpengine as mcp
        from mcpengine.client import sse, stdio
    if url and url.endswith("/sse"):
        streams = sse.sse_client(url)
    elif url and mcp.__name__ == "mcpengine":
        from mcpengine.client.transports.http import http_client

        streams = http_client(url)
    elif url:
        from mcp.client.streamable_http import streamablehttp_client

        streams = streamablehttp_client(url)
    else:
        streams = stdio.stdio_client(mcp.StdioServerParameters(command=target[0], args=target[1:], env=dict(os.environ)))
    async with streams as (read, write, *_):
        async with mcp.ClientSession(read, write) as s:
            seen["version"] = (await s.initialize()).protocolVersion

            async def tools():
                return (await s.list_tools()).tools

            await tour(tools, s.call_tool, s.read_resource, s.get_prompt)


async def client(**options):
    """mcp 2: a client of any version."""
    import mcp

    server = url or mcp.StdioServerParameters(command=target[0], args=target[1:], env=dict(os.environ))
    async with mcp.Client(server, **options) as c:
        seen["version"] = c.protocol_version

        async def tools():
            return (await c.list_tools()).tools

        await tour(tools, c.call_tool, c.read_resource, c.get_prompt)


async def fastmcp():
    from types import SimpleNamespace

    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport

    server = url or StdioTransport(command=target[0], args=target[1:], env=dict(os.environ))
    async with Client(server) as c:

        async def call(name, arguments):
            return await c.call_tool(name, arguments, raise_on_error=False)

        async def read(uri):
            return SimpleNamespace(contents=await c.read_resource(uri))

        await tour(c.list_tools, call, read, c.get_prompt)


asyncio.run({"session": session, "client": client, "client-handshake": lambda: client(mode="legacy"), "fastmcp": fastmcp}[sdk]())
print(json.dumps(seen))
