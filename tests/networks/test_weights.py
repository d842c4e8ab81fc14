import hashlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from torchvision.models import resnet18
from torchvision.models._api import Weights, WeightsEnum

from helpers.errors import DataError
from helpers.networks import weights
from helpers.networks.seeding import seeded
from helpers.networks.weights import (
    WeightsSource,
    imagenet_file,
    model_card,
    read_formula_weights,
    read_imagenet_weights,
    read_state,
    write_formula_weights,
)

CARD = {"task": "none", "licence": "CC0"}


@pytest.fixture(scope="module")
def state():
    with seeded(0):
        full = resnet18().state_dict()
    return {name: value for name, value in full.items() if not name.startswith(("layer4", "fc"))}


@pytest.fixture
def folder(tmp_path, state):
    write_formula_weights("resnet18", state, CARD, tmp_path)
    return tmp_path


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return imagenet_file("resnet18")


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        raise OSError("this test has no network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_weights_come_back_within_half_precision(folder, state):
    back, digest = read_formula_weights("resnet18", folder)
    assert set(back) == set(state)
    assert digest == hashlib.sha256((folder / "resnet18.npz").read_bytes()).hexdigest()
    for name, value in back.items():
        assert value.dtype == torch.float32
        exact = state[name].float()
        if value.ndim > 1:
            assert torch.allclose(value, exact, rtol=1e-3, atol=1e-7)
        else:
            assert torch.equal(value, exact)


def test_a_tiny_variance_does_not_vanish(state, tmp_path):
    small = state | {"bn1.running_var": torch.full((64,), 1e-12)}
    write_formula_weights("resnet18", small, CARD, tmp_path)
    assert (read_formula_weights("resnet18", tmp_path)[0]["bn1.running_var"] > 0).all()


@pytest.mark.parametrize("value", [float("nan"), 1e6])
def test_values_that_half_precision_cannot_hold_are_refused_and_nothing_is_written(
    state, tmp_path, value
):
    broken = dict(state)
    broken["conv1.weight"] = torch.full_like(state["conv1.weight"], value)
    with pytest.raises(ValueError, match=r"conv1\.weight holds values that are not finite"):
        write_formula_weights("resnet18", broken, CARD, tmp_path)
    assert not list(tmp_path.iterdir())


def test_names_and_shapes_of_another_network_are_refused(state, tmp_path):
    with pytest.raises(ValueError, match=r"resnet18 has no parameter stem\.weight of shape \(2,\)"):
        write_formula_weights("resnet18", {"stem.weight": torch.zeros(2)}, CARD, tmp_path)
    with pytest.raises(ValueError, match=r"no parameter bn1\.bias of shape \(3,\)"):
        write_formula_weights("resnet18", state | {"bn1.bias": torch.zeros(3)}, CARD, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_card_says_what_it_was_given_and_the_checksum(folder):
    card = model_card("resnet18", folder)
    assert card["architecture"] == "resnet18"
    assert card["licence"] == "CC0"
    assert len(card["sha256"]) == 64


def test_a_damaged_file_is_refused(folder):
    path = folder / "resnet18.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"resnet18\.npz is damaged.*git checkout"):
        read_formula_weights("resnet18", folder)


def test_a_missing_file_is_named(folder):
    (folder / "resnet18.npz").unlink()
    with pytest.raises(DataError, match=r"resnet18\.npz is missing"):
        read_formula_weights("resnet18", folder)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere/resnet18\.json is missing.*git checkout"):
        read_formula_weights("resnet18", tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["{", "[]", '{"task": 1}'])
def test_a_damaged_card_is_named(folder, text):
    (folder / "resnet18.json").write_text(text)
    with pytest.raises(DataError, match=r"resnet18\.json is not a model card"):
        read_formula_weights("resnet18", folder)


def test_an_architecture_without_formula_weights_is_named(folder):
    with pytest.raises(
        ValueError, match="no formula weights for resnet19. Did you mean 'resnet18'"
    ):
        read_formula_weights("resnet19", folder)


def test_the_shipped_weights_are_those_of_their_card():
    state, digest = read_formula_weights("resnet18")
    card = model_card("resnet18")
    assert digest == card["sha256"]
    said = {"task", "data", "recipe", "duration", "in view", "licence", "settings", "figures"}
    assert said <= set(card)
    assert "grid" in card["in view"]
    assert all(torch.isfinite(value).all() for value in state.values())
    assert (weights.FORMULA_FOLDER / "resnet18.npz").stat().st_size < 6_000_000


def test_cached_imagenet_weights_are_read_without_a_network(hub, state, no_network):
    hub.parent.mkdir(parents=True)
    torch.save(resnet18().state_dict() | state, hub)
    back, digest = read_imagenet_weights("resnet18")
    assert torch.equal(back["conv1.weight"], state["conv1.weight"])
    assert digest == hashlib.sha256(hub.read_bytes()).hexdigest()


def test_without_a_network_it_says_what_else_there_is(hub, no_network):
    with pytest.raises(DataError) as raised:
        read_imagenet_weights("resnet18")
    message = str(raised.value)
    assert "weights='formula'" in message
    assert hub.name in message
    assert str(hub.parent) in message
    assert not list(hub.parent.glob("*"))


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """Have TorchVision's weights come from a server on this machine that does as it is told."""
    servers = []

    def start(content, digest, sent=None):
        release = threading.Event()

        class Server(BaseHTTPRequestHandler):
            def do_HEAD(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()

            def do_GET(self):
                self.do_HEAD()
                self.wfile.write(content[:sent])
                if sent is not None:
                    release.wait(10)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
        servers.append((server, release))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/own-{digest[:8]}.pth"

        class Local(WeightsEnum):
            IMAGENET1K_V1 = Weights(url=url, transforms=None, meta={})

        monkeypatch.setattr(weights, "get_model_weights", lambda _: Local)
        return imagenet_file("resnet18")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("no_proxy", "*")
    yield start
    for server, release in servers:
        release.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def content(tmp_path):
    path = tmp_path / "served.pth"
    torch.save({"a": torch.ones(2)}, path)
    return path.read_bytes()


def test_weights_are_downloaded_once_and_kept(serve, content, capsys, request):
    digest = hashlib.sha256(content).hexdigest()
    path = serve(content, digest)
    state, found = read_imagenet_weights("resnet18")
    assert torch.equal(state["a"], torch.ones(2))
    assert found == digest
    assert not capsys.readouterr().out
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    request.getfixturevalue("no_network")
    assert read_imagenet_weights("resnet18")[1] == digest


def test_another_file_than_expected_is_not_kept(serve, content):
    path = serve(content, "0" * 64)
    with pytest.raises(DataError, match="invalid hash value"):
        read_imagenet_weights("resnet18")
    assert not list(path.parent.iterdir())


def test_a_server_that_falls_silent_is_given_up_soon(serve, content, monkeypatch):
    monkeypatch.setattr(weights, "TIMEOUT", 0.3)
    path, before = serve(content, "0" * 64, sent=10), socket.getdefaulttimeout()
    with pytest.raises(DataError, match="timed out"):
        read_imagenet_weights("resnet18")
    assert socket.getdefaulttimeout() == before
    assert not list(path.parent.iterdir())


def test_a_network_that_never_answers_is_given_up_soon(hub, monkeypatch):
    assert weights.TIMEOUT <= 10
    monkeypatch.setattr(weights, "TIMEOUT", 0.2)
    release = threading.Event()

    def hang(*_, **__):
        release.wait(10)
        raise OSError("too late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(DataError, match=r"no answer within 0\.2 seconds"):
        read_imagenet_weights("resnet18")
    release.set()


def test_an_answer_that_leads_nowhere_is_told(hub, monkeypatch):
    def redirected(*_, **__):
        raise ValueError("Invalid IPv6 URL")

    monkeypatch.setattr(weights.urllib.request, "urlopen", redirected)
    with pytest.raises(DataError, match=r"cannot be downloaded \(Invalid IPv6 URL\)"):
        read_imagenet_weights("resnet18")


def test_a_damaged_imagenet_file_is_named(hub):
    hub.parent.mkdir(parents=True)
    hub.write_bytes(b"half a download")
    with pytest.raises(DataError, match=rf"{hub.name} is damaged.*Delete it"):
        read_imagenet_weights("resnet18")
    assert hub.is_file()


@pytest.mark.parametrize("ending", [".pth", ".npz"])
def test_a_file_of_ones_own_in_half_precision(tmp_path, ending):
    path = tmp_path / f"own{ending}"
    if ending == ".npz":
        np.savez(path, a=np.float16([0.5]))
    else:
        torch.save({"a": torch.tensor([0.5], dtype=torch.float16)}, path)
    state, digest = read_state(path)
    assert state["a"].dtype == torch.float32
    assert state["a"].item() == 0.5
    assert len(digest) == 64


@pytest.mark.parametrize("content", [[1, 2], {"model": {}, "epoch": 3}])
def test_a_file_that_is_no_state_dictionary_is_refused(tmp_path, content):
    path = tmp_path / "run.pt"
    torch.save(content, path)
    with pytest.raises(DataError, match=r"run\.pt is damaged or holds no weights"):
        read_state(path)


@pytest.mark.parametrize("ending", [".pth", ".npz"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_when_read(tmp_path, ending, value):
    path, bad = tmp_path / f"own{ending}", np.float32([0.5, value])
    if ending == ".npz":
        np.savez(path, a=np.float32([1.0]), b=bad)
    else:
        torch.save({"a": torch.ones(1), "b": torch.from_numpy(bad)}, path)
    with pytest.raises(DataError, match=rf"own\{ending} .*its b is not finite.*Delete it"):
        read_state(path)


def test_imagenet_weights_that_are_not_finite_are_refused_when_read(hub):
    hub.parent.mkdir(parents=True)
    state = resnet18().state_dict()
    state["layer1.0.conv1.weight"][0, 0, 0, 0] = float("nan")
    torch.save(state, hub)
    with pytest.raises(DataError, match=rf"{hub.name} .*layer1\.0\.conv1\.weight is not"):
        read_imagenet_weights("resnet18")


def test_parameters_are_read_as_plain_tensors(tmp_path):
    path = tmp_path / "old.pth"
    torch.save({"a": torch.nn.Parameter(torch.ones(2))}, path)
    assert not read_state(path)[0]["a"].requires_grad


def test_a_file_that_would_run_code_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return (print, ("run",))

    path = tmp_path / "trap.pth"
    torch.save({"a": Trap()}, path)
    with pytest.raises(DataError, match=r"trap\.pth is damaged or holds no weights"):
        read_state(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"there is no weights file .*none\.pth"):
        read_state(tmp_path / "none.pth")


def test_a_source_says_its_sentence():
    assert (
        str(WeightsSource("formula", "formula weights of resnet18"))
        == "formula weights of resnet18"
    )


def test_a_card_is_readable_json(folder):
    assert json.loads((folder / "resnet18.json").read_text("utf-8"))["task"] == "none"
