"""Measures FastMCP's tasks, which Docket runs on Redis: calls of a tool that
does nothing, made in the process of the server, as TestOverhead makes them.

Usage: fastmcp_tasks_bench.py URL TASKS CALLERS WORKERS
Prints one line of JSON: the time and this process's processor time for each task,
in seconds.
"""

import asyncio
import json
import logging
import resource
import sys
import time

from fastmcp import Client, FastMCP
from fastmcp_tasks import TasksExtension, call_tool_task

logging.disable(logging.CRITICAL)


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main(url: str, tasks: int, callers: int, workers: int) -> None:
    done = 0
    wanted = asyncio.Event()
    target = callers
    tasks -= tasks % callers
    mcp = FastMCP("bench")
    mcp.add_extension(TasksExtension(url=url, concurrency=workers))

    @mcp.tool(task=True)
    async def quick() -> dict:
        nonlocal done
        done += 1
        if done == target:
            wanted.set()
        return {"done": True}

    async with Client(mcp) as client:

        async def call(n: int) -> None:
            for _ in range(n):
                await call_tool_task(client, "quick", {})

        async def run(n: int) -> None:
            nonlocal target
            wanted.clear()
            target = done + n
            await asyncio.gather(*(call(n // callers) for _ in range(callers)))
            await wanted.wait()

        await run(callers)
        before, begin = cpu(), time.monotonic()
        await run(tasks)
        print(json.dumps({"wall": (time.monotonic() - begin) / tasks, "cpu": (cpu() - before) / tasks}))


url, *numbers = sys.argv[1:]
asyncio.run(main(url, *map(int, numbers)))
