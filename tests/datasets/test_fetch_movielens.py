"""fetch_movielens against a server on this machine, in good and in bad days."""

import hashlib
import io
import socket
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import narwhals.stable.v2 as nw
import pytest

from skl_increc.datasets import _archives, _movielens, fetch_movielens, get_data_home
from skl_increc.exceptions import DatasetError

FILES = {
    "ml-100k": {
        "u.data": "7\t2\t3\t300\n8\t1\t5\t100\n7\t1\t4\t200\n9\t3\t1\t200\n9\t4\t2\t200\n",
        "u.genre": "unknown|0\nAction|1\nDrama|2\n\n",
        "u.item": "1|Toy Story (1995)|01-Jan-1995||http://x|0|1|1\n2|Caf\u00e9 (No) (1996)|01-Jan-1996||http://y|0|0|1\n"
        "3|unknown||||1|0|0\n",
    },
    "ml-1m": {
        "ratings.dat": "7::2::3::300\n8::1::5::100\n7::1::4::200\n9::3::1::200\n9::4::2::200\n",
        "movies.dat": "1::Toy Story (1995)::Action|Drama\n2::Caf\u00e9 (No) (1996)::Drama\n"
        "3::unknown::unknown\n",
    },
    "ml-25m": {
        "ratings.csv": "userId,movieId,rating,timestamp\n"
        "7,2,3.0,300\n8,1,5.0,100\n7,1,4.0,200\n9,3,1.0,200\n9,4,2.0,200\n",
        "movies.csv": "movieId,title,genres\n1,Toy Story (1995),Action|Drama\n"
        '2,"Caf\u00e9 (No) (1996)",Drama\n3,unknown,unknown\n',
    },
}
NAMES = {"100k": "ml-100k", "1m": "ml-1m", "25m": "ml-25m"}


def archive(folder, files=None):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name, text in (files or FILES[folder]).items():
            made.writestr(f"{folder}/{name}", text.encode("utf-8" if folder == "ml-25m" else "latin-1"))
    return content.getvalue()


class Server:
    """Serves ``files``; ``cut`` bytes of a body are announced and not sent, ``fail`` answers are errors."""

    def __init__(self):
        self.files, self.cut, self.fail, self.asked = {}, 0, 0, []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.lstrip("/")
                server.asked.append(name)
                if server.fail > 0 or name not in server.files:
                    code = 503 if server.fail > 0 else 404
                    server.fail -= 1
                    self.send_error(code)
                    return
                body = server.files[name]
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) - (0 if name.endswith(".md5") else server.cut)])

            def log_message(self, *args):
                pass

        class Listener(ThreadingHTTPServer):
            request_queue_size = 64

        self.httpd = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_port}/"
        threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def offer(self, folder, body=None, form="MD5 ({name}) = {digest}\n"):
        body = archive(folder) if body is None else body
        name = f"{folder}.zip"
        digest = hashlib.md5(body).hexdigest()
        self.files[name] = body
        self.files[f"{name}.md5"] = form.format(name=name, digest=digest).encode()

    def stop(self):
        self.httpd.shutdown()
        self.httpd.server_close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    server = Server()
    monkeypatch.setattr(_movielens, "GROUPLENS_URL", server.url)
    yield server
    server.stop()


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    monkeypatch.setattr(_movielens, "GROUPLENS_URL", url)


def fetch(home, name="100k", **parameters):
    return fetch_movielens(name, data_home=home, **{"n_retries": 0, "delay": 0.0, **parameters})


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("name", NAMES)
def test_every_set_has_one_shape(server, tmp_path, name, backend):
    pytest.importorskip(backend)
    server.offer(NAMES[name])
    frame = nw.from_native(fetch(tmp_path, name, backend=backend), eager_only=True)
    assert frame.implementation.value == backend
    assert frame.columns == ["user", "item", "rating", "timestamp", "title", "year", "genres"]
    assert [frame[column].dtype for column in frame.columns[:4]] == [nw.Int64, nw.Int64, nw.Float64, nw.Int64]
    assert frame["timestamp"].to_list() == [100, 200, 200, 200, 300]
    listed = list(zip(*(frame[column].to_list() for column in frame.columns), strict=True))
    rows = {row[1]: row for row in listed if row[0] != 7}
    assert rows[1] == (8, 1, 5.0, 100, "Toy Story", 1995, "Action|Drama")
    assert rows[3][4] == "unknown" and rows[3][6] == "unknown"
    assert listed[4][:5] == (7, 2, 3.0, 300, "Caf\u00e9 (No)")
    missing = zip(
        listed, *(frame[column].is_null().to_list() for column in ("title", "year", "genres")), strict=True
    )
    assert {row[1]: nulls for row, *nulls in missing if row[0] == 9} == {
        3: [False, True, False],
        4: [True, True, True],
    }


def test_ties_are_in_a_seeded_random_order(server, tmp_path):
    server.offer("ml-100k")
    orders = {tuple(fetch(tmp_path, random_state=seed)["item"]) for seed in range(30)}
    assert len(orders) == 6
    assert fetch(tmp_path).equals(fetch(tmp_path, random_state=0))


def test_ratings_alone_and_X_y(server, tmp_path):
    server.offer("ml-1m")
    assert list(fetch(tmp_path, "1m", item_columns=False).columns) == ["user", "item", "rating", "timestamp"]
    X, y = fetch(tmp_path, "1m", return_X_y=True)
    assert "rating" not in X.columns and sorted(y) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "form",
    [
        "MD5 ({name}) = {digest}\n",
        "{digest}  {name}\n",
        "{digest} *pub/{name}\n",
        "{digest}",
        "MD5({name})= {digest}",
    ],
)
def test_the_cache_is_verified_without_the_network(server, tmp_path, form):
    server.offer("ml-100k", form=form)
    first = fetch(tmp_path)
    assert server.asked == ["ml-100k.zip.md5", "ml-100k.zip"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ml-100k.zip", "ml-100k.zip.md5"]
    server.stop()
    assert fetch(tmp_path, download_if_missing=False).equals(first)
    assert len(server.asked) == 2


def test_a_wrong_checksum_is_refused_and_nothing_stays(server, tmp_path):
    server.offer("ml-100k")
    server.files["ml-100k.zip"] += b"!"
    with pytest.raises(DatasetError, match=r"MD5 checksum [0-9a-f]{32}, but http.*\.md5 states [0-9a-f]{32}"):
        fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_download_leaves_nothing_and_the_next_succeeds(server, tmp_path):
    server.offer("ml-100k")
    server.cut = 50
    with pytest.raises(DatasetError, match=r"connection broke after \d+ (of \d+ )?bytes of http"):
        fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []
    server.cut = 0
    assert len(fetch(tmp_path)) == 5


def test_a_download_stopped_by_the_user_leaves_nothing(server, tmp_path):
    server.offer("ml-100k")

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(tmp_path, progress=stop)
    assert list(tmp_path.iterdir()) == [] and len(fetch(tmp_path)) == 5


def test_what_a_killed_process_left_is_not_taken_for_the_data(server, tmp_path):
    server.offer("ml-100k")
    (tmp_path / "ml-100k.zip.123-abc.part").write_bytes(b"half")
    (tmp_path / "ml-100k.zip.md5").write_bytes(server.files["ml-100k.zip.md5"])
    assert len(fetch(tmp_path)) == 5


@pytest.mark.parametrize("damage", [b"", b"not a zip", None])
def test_a_damaged_archive_is_fetched_again(server, tmp_path, damage):
    server.offer("ml-100k")
    whole = fetch(tmp_path)
    path = tmp_path / "ml-100k.zip"
    path.write_bytes(path.read_bytes()[:-10] if damage is None else damage)
    assert fetch(tmp_path).equals(whole)
    assert server.asked.count("ml-100k.zip") == 2


@pytest.mark.parametrize("text", [None, "", "nonsense\n", "0" * 32 + "  ml-100k.zip"])
def test_an_archive_without_its_checksum_is_kept_when_it_is_whole(server, tmp_path, text):
    server.offer("ml-100k")
    (tmp_path / "ml-100k.zip").write_bytes(server.files["ml-100k.zip"])
    if text is not None:
        (tmp_path / "ml-100k.zip.md5").write_text(text)
    assert len(fetch(tmp_path)) == 5
    assert server.asked == ["ml-100k.zip.md5"]


def test_a_replaced_archive_and_its_new_checksum(server, tmp_path):
    server.offer("ml-100k")
    fetch(tmp_path)
    (tmp_path / "ml-100k.zip").unlink()
    server.offer("ml-100k", archive("ml-100k", {**FILES["ml-100k"], "u.data": "1\t1\t1\t1\n"}))
    assert len(fetch(tmp_path)) == 1


def test_no_network(no_network, tmp_path):
    message = (
        r"Cannot reach http://127.0.0.1:\d+/ml-100k.zip.md5: .*refused.* Check the network connection. "
        r"The copy '.*ml-100k.zip' is absent. To do without this download, put ml-100k.zip and "
        r"ml-100k.zip.md5 from http"
    )
    with pytest.raises(DatasetError, match=message) as caught:
        fetch(tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_damaged_copy_without_network_is_called_so(no_network, tmp_path):
    (tmp_path / "ml-100k.zip").write_bytes(b"half")
    with pytest.raises(DatasetError, match=r"is damaged, or its \.md5 is missing\. To do without"):
        fetch(tmp_path)
    with pytest.raises(DatasetError, match="download_if_missing=False, and ml-100k.zip is not in the cache"):
        fetch(tmp_path, download_if_missing=False)


def test_files_put_there_by_hand(no_network, tmp_path):
    body = archive("ml-100k")
    (tmp_path / "ml-100k.zip").write_bytes(body)
    (tmp_path / "ml-100k.zip.md5").write_text(f"{hashlib.md5(body).hexdigest().upper()}  ml-100k.zip\r\n")
    assert len(fetch(tmp_path)) == 5


def test_broken_downloads_are_tried_again_and_refusals_are_not(server, tmp_path):
    server.offer("ml-100k")
    server.fail = 2
    assert len(fetch(tmp_path, n_retries=2)) == 5
    server.asked.clear()
    with pytest.raises(DatasetError, match="The server answered 404 Not Found for http.*/ml-1m.zip.md5"):
        fetch(tmp_path, "1m", n_retries=5)
    assert server.asked == ["ml-1m.zip.md5"]
    server.fail = 2
    with pytest.raises(DatasetError, match="The server answered 503 Service Unavailable"):
        fetch(tmp_path, "1m", n_retries=1)


def test_the_server_s_checksum_file_must_state_a_checksum(server, tmp_path):
    server.offer("ml-100k")
    server.files["ml-100k.zip.md5"] = b"<html>moved</html>"
    with pytest.raises(DatasetError, match="states no MD5 checksum of ml-100k.zip: it begins '<html>moved"):
        fetch(tmp_path)
    with pytest.raises(DatasetError, match="states no MD5 checksum of a.zip"):
        _archives.parse_md5("0" * 32 + "  b.zip\n", "a.zip")
    assert _archives.parse_md5("0" * 32 + " b.zip\n" + "1" * 32 + " a.zip\n", "a.zip") == "1" * 32


def test_progress_is_told(server, tmp_path):
    server.offer("ml-100k")
    told = []
    fetch(tmp_path, progress=lambda done, total: told.append((done, total)))
    size = len(server.files["ml-100k.zip"])
    assert told[-1] == (size, size)


def test_several_at_once(server, tmp_path):
    server.offer("ml-100k")
    with ThreadPoolExecutor(8) as pool:
        frames = list(pool.map(lambda _: fetch(tmp_path), range(8)))
    assert all(frame.equals(frames[0]) for frame in frames)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ml-100k.zip", "ml-100k.zip.md5"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"PK no zip", "File is not a zip file"),
        (archive("ml-100k", {"other": "x"}), "There is no item named 'ml-100k/u.data'"),
        (
            archive("ml-100k", {**FILES["ml-100k"], "u.data": "1\t2\t3\t4\n1\t2\n"}),
            "number of columns changed",
        ),
        (archive("ml-100k", {**FILES["ml-100k"], "u.data": "1\t2\t3\n"}), r"holds a table of \(1, 3\)"),
        (archive("ml-100k", {**FILES["ml-100k"], "u.data": "1\t2\tnan\t3\n"}), "not ratings in four columns"),
    ],
)
def test_an_archive_of_another_content(server, tmp_path, body, reason):
    server.offer("ml-100k", body)
    with pytest.raises(
        DatasetError, match=f"is not the ml-100k archive that is known here: .*{reason}.*Delete it"
    ):
        fetch(tmp_path)


def test_a_folder_that_cannot_be_written(server, tmp_path):
    server.offer("ml-100k")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        DatasetError, match="Cannot keep ml-100k.zip in .* data_home= or the environment variable SKL_"
    ):
        fetch(tmp_path / "file" / "home")


def test_unknown_sets_are_refused():
    with pytest.raises(ValueError, match=r"name='20m' is not .* choose one of \('100k', '1m', '25m'\)"):
        fetch_movielens("20m")


def test_data_home(monkeypatch, tmp_path):
    monkeypatch.setenv("SKL_INCREC_HOME", str(tmp_path / "env"))
    assert get_data_home() == tmp_path / "env"
    assert get_data_home(tmp_path) == tmp_path
    monkeypatch.delenv("SKL_INCREC_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert get_data_home() == tmp_path / "skl_increc_data"
    assert get_data_home("~/here") == tmp_path / "here"
