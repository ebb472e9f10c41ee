"""Three agents that speak MCP with the official client, each one look at its mail: what they call they note.

`python clients.py lead|writer|editor LIST`. Who they are nobody tells them: the server knows by key, run or directory.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters


class Agent:
    """One agent, and the list of what really happened."""

    def __init__(self, client: Client, happened: Path) -> None:
        self.client, self.list = client, happened
        self.me: dict[str, Any] = {}

    async def look(self, tool: str, **arguments: Any) -> Any:
        """What a tool says."""
        result = await self.client.call_tool(tool, arguments)
        content = result.structured_content
        if result.is_error or content is None:
            raise SystemExit(f"{tool}: {result.content}")
        return content["result"] if set(content) == {"result"} else content

    async def act(self, tool: str, *words: str, **arguments: Any) -> Any:
        """Do it, and note that it was done; `words` as the command would have them."""
        said = await self.look(tool, **arguments)
        self.note(tool, words=words, said=said)
        return said

    def note(self, what: str, **facts: Any) -> None:
        """Add one line to the list."""
        with self.list.open("a") as file:
            file.write(json.dumps({"by": self.me["address"], "what": what, **facts}) + "\n")

    async def lead(self) -> None:
        """Ask both; when both have answered, report."""
        if not await self.look("sent"):
            await self.act("send", to=["@writer", "@editor"], subject="A number?", body="one each")
            return
        answers = [mail for mail in await self.look("inbox") if mail["subject"] == "RE: A number?"]
        if len(answers) == 2:
            total = sum(int(mail["message"].split()[0]) for mail in answers)
            await self.act("send", to="@operator", subject="The sum", body=total)
            await self.act("close", ids=[mail["seq"] for mail in answers])

    async def writer(self) -> None:
        """Answer what was asked."""
        for mail in await self.look("inbox"):
            await self.act("reply", id=mail["seq"], body="42 of mine")

    async def editor(self) -> None:
        """The same."""
        for mail in await self.look("inbox"):
            await self.act("reply", id=mail["id"], body="17 of mine")


async def main(role: str, happened: Path) -> None:
    """Say who the server takes it for, and look once."""
    server = StdioServerParameters(command=sys.executable, args=["-m", "mailcore.cli", "mcp"], env=dict(os.environ))
    async with Client(server) as client:
        agent = Agent(client, happened)
        agent.me = await agent.look("whoami")
        agent.note("is", how=agent.me["how"])
        if run := os.environ.get("MAILCORE_RUN_ID"):
            agent.note("up", run=run)
        await getattr(agent, role)()
        agent.note("ends")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], Path(sys.argv[2]))
