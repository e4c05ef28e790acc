"""A server on one of the Python SDKs: server.py TRANSPORT [PORT [fastmcp|changed]].

The environment decides which SDK: FastMCP if it is installed, then mcp 2, mcp 1,
and the Python MCPEngine. TRANSPORT is stdio, http or sse. With changed the tool add
has one argument more.
"""
import sys

transport, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
http = {"host": "127.0.0.1", "port": port}

if sys.argv[3:] == ["fastmcp"]:
    from fastmcp import FastMCP

    server = FastMCP("peer")
    run = lambda: server.run(transport=transport, **({} if transport == "stdio" else http))
else:
    try:
        from mcp.server.mcpserver import MCPServer

        server = MCPServer("peer")
        names = {"http": "streamable-http"}
        run = lambda: server.run(names.get(transport, transport), **({} if transport == "stdio" else http))
    except ImportError:
        try:
            from mcp.server.fastmcp import FastMCP as Engine
        except ImportError:
            from mcpengine import MCPEngine as Engine
        server = Engine("peer", **http)
        names = {} if Engine.__name__ == "MCPEngine" else {"http": "streamable-http"}
        run = lambda: server.run(transport=names.get(transport, transport))


if sys.argv[3:] == ["changed"]:

    @server.tool()
    def add(a: int, b: int, c: int) -> int:
        """Add two numbers."""
        return a + b + c

else:

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b


@server.tool()
def fail() -> str:
    """Always fails."""
    raise ValueError("no luck")


@server.resource("note://welcome")
def welcome() -> str:
    return "Welcome!"


@server.prompt()
def review(file: str) -> str:
    return f"Review {file}."


run()
