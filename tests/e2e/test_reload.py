"""`gatewright reload`: new workers take the place of those there are."""

import concurrent.futures
import signal
import time

import pytest

from fixtures.callers import CHAT, Callers, keep, last_answer
from fixtures.server import BOTH_SERVERS


@BOTH_SERVERS
@pytest.mark.parametrize("workers", ["1", "2"])
def test_reloads_under_load_fail_no_request(serve, provider, workers):
    """Twice, with clients that keep their connections, and streams; the command comes back when new ones serve."""
    provider.pause = 0.02
    server = serve("--workers", workers)
    server.publish("chat", provider.url)
    server.await_everywhere("chat")
    callers = Callers(server, 8)
    for _ in range(2):
        callers.more(50)
        before = {one.pid for one in server.workers()}
        done = server.reload()
        assert (done.returncode, done.stderr) == (0, "")
        assert server.url in done.stdout
        # Those from before may still complete what is under way.
        assert len({one.pid for one in server.workers()} - before) == int(workers)
    callers.more(50)
    callers.stop()
    assert callers.failures == []
    assert "Traceback" not in server.output


def test_a_kept_connection_takes_a_last_request_from_a_worker_that_is_replaced(server):
    """The answer says that it is the last one, and readiness has not failed: others serve."""
    connection = keep(server)
    assert server.reload().returncode == 0
    assert last_answer(connection) == 200
    connection.close()


def test_a_stream_outlasts_a_reload_by_more_than_the_drain_time(serve, provider):
    """That is for a server that stops; nobody waits for a worker that was replaced."""
    provider.pause = 0.8
    server = serve(GATEWRIGHT_DRAIN_SECONDS="1")
    server.publish("chat", provider.url)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stream = pool.submit(server.post, "/v1/chat/completions", {"stream": True, **CHAT})
        while not provider.requests:
            time.sleep(0.01)
        assert server.reload().returncode == 0
        assert not stream.done()
        assert stream.result().body.endswith(b"data: [DONE]\n\n")


def test_a_reload_whose_workers_cannot_start_leaves_those_there_were(server, provider):
    """The command tells why and fails; once the reason is gone, a reload works."""
    server.publish("chat", provider.url)
    worker = server.worker
    key = server.data_dir / "kek"
    kept = key.read_text()
    key.write_text("nonsense\n")
    failed = server.reload()
    assert failed.returncode == 1
    assert f"The key file {key}: key number 1" in failed.stderr
    assert server.worker == worker
    assert server.post("/v1/chat/completions", CHAT).status == 200
    key.write_text(kept)
    assert server.reload().returncode == 0


def test_a_reload_without_a_server_says_so(server):
    """Also when it was killed, and its file is still there."""
    server.stop(signal.SIGKILL)
    assert list((server.data_dir / "run").iterdir()) != []
    failed = server.reload()
    assert failed.returncode == 2
    assert str(server.data_dir) in failed.stderr
