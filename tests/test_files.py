"""Files: what is written is whole, links and devices stay what they are, and what has no end is not read."""

import os
import socket
import stat
import threading

import pytest

from minis2s.errors import InputError
from minis2s.files import open_to_read, remove_temporary, write_file

posix = pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and devices")


def put(path, data=b"new"):
    write_file(path, lambda file: file.write(data))


def device(path, minor):
    """Make a device like /dev/null (3), zero (5) or full (7): never is a test to try the machine's own."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, minor))
        path.open("rb").close()
    except (AttributeError, OSError):
        pytest.skip("this user may make no devices")
    return path


@posix
@pytest.mark.parametrize("old", [b"old", None])
def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path, old):
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "target"
    if old:
        target.write_bytes(old)
    (tmp_path / "middle").symlink_to("far/target")
    (tmp_path / "link").symlink_to(tmp_path / "middle")
    put(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "middle").is_symlink()
    assert target.read_bytes() == b"new" and not target.is_symlink()
    assert os.listdir(tmp_path / "far") == ["target"] and set(os.listdir(tmp_path)) == {"far", "link", "middle"}


@posix
def test_a_device_stays_a_device(tmp_path):
    null = device(tmp_path / "null", 3)
    (tmp_path / "link").symlink_to("null")
    for path in (null, tmp_path / "link"):
        put(path)
    assert stat.S_ISCHR(null.lstat().st_mode) and (tmp_path / "link").is_symlink()
    assert set(os.listdir(tmp_path)) == {"null", "link"}
    with pytest.raises(InputError, match=r"full: cannot be written \(No space left on device\); [^\n]*\Z"):
        put(device(tmp_path / "full", 7))


@posix
def test_a_pipe_is_written_through(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()), daemon=True)
    reader.start()
    put(tmp_path / "pipe")
    reader.join()
    assert got == [b"new"] and stat.S_ISFIFO((tmp_path / "pipe").lstat().st_mode)


@posix
@pytest.mark.skipif(not os.path.exists("/dev/fd/1"), reason="needs names of open files")
def test_our_own_output_is_added_to_by_whatever_name(tmp_path, capfd):
    (tmp_path / "link").symlink_to("/dev/fd/1")
    print("before")
    put(tmp_path / "link")
    print(" after")
    assert capfd.readouterr().out == "before\nnew after\n" and (tmp_path / "link").is_symlink()


@posix
def test_what_is_no_place_for_a_file_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    os.symlink("circle", "circle")
    os.mkdir("folder")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind("socket")
        for name in ("circle", "folder", "socket", "folder/none/x", "x" * 300):
            with pytest.raises(InputError, match=rf"^{name}: cannot be written \([^\n]*\); choose another place\Z"):
                put(name)
    assert set(os.listdir()) == {"circle", "folder", "socket"} and os.listdir("folder") == []


def test_only_what_was_left_half_written_is_removed(tmp_path):
    keep = {"a.csv", ".a.csv", ".a.csv.original", ".a.csv.0123cdef0", ".b.csv.0123cdef", "a.csv.0123cdef"}
    for name in (*keep, ".a.csv.0123cdef", ".a.csv.99999999"):
        (tmp_path / name).touch()
    remove_temporary(tmp_path, "a.csv")
    assert set(os.listdir(tmp_path)) == keep


def test_a_killed_writer_leaves_what_is_removed_later(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "unlink", lambda path: None)  # a killed process removes nothing
    with pytest.raises(SystemExit):
        write_file(tmp_path / "a.csv", lambda file: exit())
    monkeypatch.undo()
    assert len(os.listdir(tmp_path)) == 1
    remove_temporary(tmp_path, "a.csv")
    assert os.listdir(tmp_path) == []


@posix
def test_devices_are_not_read_and_pipes_where_they_are_wanted(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", device(tmp_path / "zero", 5)):
        with pytest.raises(OSError) as refused:  # at once: nobody writes into the pipe
            open_to_read(path, pipes=False)
        assert refused.value.strerror == "this is not an ordinary file"
    with pytest.raises(OSError):
        open_to_read(tmp_path / "zero")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"data",), daemon=True)
    writer.start()
    with open_to_read(tmp_path / "pipe") as file:
        assert file.read() == b"data"
    writer.join()
