"""The end of a container."""

from __future__ import annotations

import asyncio

from .container import Container


def test_stopped_when_it_has_just_died() -> None:
    """Its process is gone already, and the task that waits for that has not run yet."""

    async def stopped() -> int:
        process = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE)

        async def stop() -> None:
            await process.wait()
            assert not container.ended.done()
            container.terminate()
            await container.kill()

        stopping = asyncio.create_task(stop())
        await asyncio.sleep(0)  # it waits from now on, and so before the container's own task does
        container = Container(process, 0)
        await asyncio.sleep(0)
        assert process.stdin
        process.stdin.close()
        await stopping
        return await container.ended

    assert asyncio.run(stopped()) == 0
