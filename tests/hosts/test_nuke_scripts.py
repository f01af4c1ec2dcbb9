"""The scripts inside Nuke: toolbar, nodes, presets, knobs, colour, and footage through the command line."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import wetgate
import wetgate.nodes
from hosts.nuke_session import SCRIPTS, Nuke, pythons
from support.timelines import plate
from wetgate.engine.graph import build, presets
from wetgate.spec import registry
from wetgate.surfaces.nuke import catalogue
from wetgate.surfaces.nuke.catalogue import nuke_class

FILES = sorted(SCRIPTS.rglob("*.py"))


@pytest.fixture
def nuke(tmp_path: Path) -> Nuke:
    return Nuke(tmp_path)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_a_script_is_of_nuke_15s_python_and_needs_nothing_but_nuke(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"), feature_version=(3, 10))
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            assert name.partition(".")[0] in sys.stdlib_module_names | {"nuke", "wetgate_nuke"}, f"{file}: {name}"


def test_vermin_finds_nothing_newer_than_python_3_10() -> None:
    pytest.importorskip("vermin")
    program = "import vermin; vermin.main()"
    line = [sys.executable, "-c", program, "--target=3.10-", "--violations", "--no-tips", str(SCRIPTS)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("python", pythons())
def test_nuke_starts_and_the_toolbar_has_every_node_and_preset(tmp_path: Path, python: str) -> None:
    said = Nuke(tmp_path, python).works(
        """
        def walk(menu, path=""):
            for name, item in menu.items.items():
                yield from walk(item, path + name + "/") if isinstance(item, nuke.Menu) else [(path + name, item)]
        for name, command in walk(nuke.menu("Nodes")):
            print(name)
            if not name.endswith("..."):
                exec(command)
        print([n.Class() for n in nuke.allNodes()])
        print(nuke.messages)
        """,
        gui=True,
    )
    lines = said.splitlines()
    labels = [f"Wetgate/{registry.get(n).label}" for n in registry.nodes()]
    assert lines[: len(labels)] == labels
    assert sum(line.startswith("Wetgate/Presets/") for line in lines) == len(presets())
    made = ast.literal_eval(lines[-2])
    assert [c for c in made if c != "Group"] == [nuke_class(n) for n in registry.nodes()]
    assert made.count("Group") == len(presets())
    assert lines[-1] == "[]"


def test_a_render_node_without_a_window_starts_quietly(nuke: Nuke) -> None:
    assert nuke.works("print(nuke.allNodes())") == "[]\n"


def test_a_node_that_nuke_does_not_have_is_explained(tmp_path: Path) -> None:
    said = Nuke(tmp_path, bundle=False).works(
        "import wetgate_nuke.menus as m; m.add_node('grain'); print(nuke.messages, nuke.allNodes())", gui=True
    )
    assert "Nuke does not have the OFX plug-in Grain" in said
    assert "wetgate hosts doctor" in said
    assert said.endswith(" []\n")


def test_every_parameter_of_every_node_goes_to_its_knob_and_back(nuke: Nuke) -> None:
    said = nuke.works(
        """
        import json, wetgate_nuke
        from wetgate_nuke import catalogue
        out = {}
        for known in catalogue.nodes():
            node = wetgate_nuke.create(known["id"])
            assert wetgate_nuke.get_params(node) == {p["id"]: p["default"] for p in known["params"]}, known["id"]
            for param in known["params"]:
                ends = [c["id"] for c in param.get("choices", ())] or [param[k] for k in ("lo", "hi") if k in param]
                size = {"color": 3, "point": 2}.get(param["kind"])
                ends += [True, False] if param["kind"] == "bool" else ["1 2 1"] if param["kind"] == "text" else []
                for value in ends:
                    value = [value] * size if size else value
                    wetgate_nuke.set_params(node, {param["id"]: value})
                    assert wetgate_nuke.get_params(node)[param["id"]] == value, (known["id"], param["id"], value)
            out[known["id"]] = wetgate_nuke.get_params(node)
        print(json.dumps(out))
        """
    )
    for node_id, params in json.loads(said).items():
        build({"graph": "wetgate.graph/1", "nodes": [{"node": node_id, "params": params}]})


def test_a_choice_is_taken_by_id_label_and_index_as_nuke_does(nuke: Nuke) -> None:
    nuke.works(
        """
        import wetgate_nuke
        node = wetgate_nuke.create("hdr_lift")
        choices = {p["id"]: p for p in wetgate_nuke.catalogue.node("hdr_lift")["params"]}["method"]["choices"]
        for index, choice in enumerate(choices):
            for value in (choice["id"], choice["label"], index):
                wetgate_nuke.set_params(node, {"method": value})
                assert node["method"].value() == choice["label"]
                assert wetgate_nuke.get_params(node)["method"] == choice["id"]
        """
    )


def test_wrong_parameters_are_refused_all_at_once_and_nothing_is_set(nuke: Nuke) -> None:
    said = nuke.works(
        """
        import wetgate_nuke
        node = wetgate_nuke.create("hdr_lift")
        before = wetgate_nuke.get_params(node)
        try:
            wrong = {"methid": "a", "method": "b", "mix": 2, "peak": float("nan")}
            wetgate_nuke.set_params(node, {"strength": 0.5, **wrong})
        except wetgate_nuke.WetgateError as error:
            print(error)
        assert wetgate_nuke.get_params(node) == before
        try:
            wetgate_nuke.create("grian")
        except wetgate_nuke.WetgateError as error:
            print(error)
        try:
            wetgate_nuke.create("grain", amuont=1)
        except wetgate_nuke.WetgateError as error:
            print(error)
        print(len(nuke.allNodes()))
        """
    )
    for text in ("did you mean 'method'?", "method is 'b'; allowed: ", "mix is 2; allowed: 0 to 1", "peak is nan"):
        assert text in said
    assert "there is no node 'grian'; did you mean 'grain'?" in said
    assert said.endswith("did you mean 'amount'?\n1\n")


def test_keys_and_expressions_become_keyframes_of_the_footages_numbers(nuke: Nuke) -> None:
    said = nuke.works(
        """
        import json, wetgate_nuke
        read = nuke.createNode("Read")
        node = wetgate_nuke.create("grain", amount={1: 0.0, 5: 1.0}, strength=0.5)
        print(json.dumps(wetgate_nuke.graph_of(node, range(1, 6), lambda frame: frame + 1000)))
        try:
            wetgate_nuke.graph_of(node)
        except wetgate_nuke.WetgateError as error:
            print(error)
        """
    )
    graph = json.loads(said.splitlines()[0])
    assert graph["nodes"][0]["params"]["amount"] == {"1001": 0.0, "1002": 0.25, "1003": 0.5, "1004": 0.75, "1005": 1.0}
    assert graph["nodes"][0]["params"]["strength"] == 0.5
    step = build(graph).steps[0]
    assert step.values_at(1002)["amount"] == 0.25
    assert "say for which frames" in said


@pytest.mark.parametrize("name", sorted(presets()))
def test_a_preset_is_a_group_whose_nodes_have_its_values(nuke: Nuke, name: str) -> None:
    said = nuke.works(
        f"""
        import json, wetgate_nuke
        read = nuke.createNode("Read")
        group = wetgate_nuke.create_preset({name!r})
        assert group.input(0) is read
        inside = group.nodes()
        assert inside[0].Class() == "Input" and inside[-1].Class() == "Output"
        group.begin()
        print(json.dumps(wetgate_nuke.graph_of(inside[-2])))
        group.end()
        assert all(nuke.toNode(group.name() + "." + k.getLink().partition(".")[0]) is not None
                   for k in group.knobs().values() if k.Class() == "Link_Knob")
        """
    )
    made = build(json.loads(said))
    import yaml

    wanted = build(yaml.safe_load(presets()[name]))
    assert [s.node.id for s in made.steps] == [s.node.id for s in wanted.steps]
    for one, other in zip(made.steps, wanted.steps, strict=True):
        assert set(one.values) == set(other.values)
        for name, value in one.values.items():  # numbers go through Nuke's text and back
            expected = value if isinstance(value, str | bool) else pytest.approx(value)
            assert other.values[name] == expected, name


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1-10", range(1, 11)),
        ("1-10x2", range(1, 11, 2)),
        ("1 5 9", [1, 5, 9]),
        ("1-3,8 20-30x5", [1, 2, 3, 8, 20, 25, 30]),
        ("-5--3", [-5, -4, -3]),
        ("10-8", [10, 9, 8]),
        ("5", [5]),
        ("1-5 3", [1, 2, 3, 4, 5]),
    ],
)
def test_frame_ranges_are_read_as_the_command_line_reads_them(nuke_frames, text: str, numbers) -> None:
    from wetgate.io.ranges import parse_frames

    assert nuke_frames.parse_frames(text) == list(numbers) == list(parse_frames(text))
    written = nuke_frames.format_frames(numbers)
    assert sorted(numbers) == list(parse_frames(written)) == nuke_frames.parse_frames(written)


@pytest.mark.parametrize("text", ["", "a", "1-", "1-10x0", "1:10", "1-10x", "0-99999999"])
def test_a_wrong_range_is_refused_with_the_grammar(nuke_frames, text: str) -> None:
    with pytest.raises(RuntimeError, match=r"write 1-100|more than"):
        nuke_frames.parse_frames(text)


@pytest.fixture
def nuke_frames(monkeypatch: pytest.MonkeyPatch) -> object:
    """``wetgate_nuke.frames``, which asks nothing of Nuke, in this process."""
    import importlib.util
    import types

    package = types.ModuleType("wetgate_nuke")
    package.__path__ = [str(SCRIPTS / "wetgate_nuke")]
    monkeypatch.setitem(sys.modules, "wetgate_nuke", package)
    for name in ("errors", "frames"):
        spec = importlib.util.spec_from_file_location(f"wetgate_nuke.{name}", SCRIPTS / f"wetgate_nuke/{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("management", "config", "knob", "space"),
    [
        ("OCIO", "fn-nuke_studio-config-v2.1.0_aces-v1.3_ocio-v2.3", "sRGB - Texture", "sRGB - Texture"),
        ("OCIO", "custom", "default (ACEScg)", "ACEScg"),
        ("OCIO", "aces_1.2", "raw", "scene_linear"),
        ("Nuke", "", "sRGB", "srgb_tx"),
        ("Nuke", "", "default (linear)", "lin_rec709_srgb"),
        ("Nuke", "", "raw", "lin_rec709_srgb"),
        ("Nuke", "", "AlexaV3LogC", "error: Read1 is 'AlexaV3LogC', a curve without primaries"),
    ],
)
def test_a_reads_colour_space_is_named_as_ocio_names_it(
    nuke: Nuke, tmp_path: Path, management: str, config: str, knob: str, space: str
) -> None:
    program = tmp_path / "Nuke16.0v1" / "Nuke16.0"
    legacy = program.parent / "plugins/OCIOConfigs/configs/aces_1.2/config.ocio"
    legacy.parent.mkdir(parents=True)
    legacy.write_text("")
    nuke.environ["FAKE_NUKE_PROGRAM"] = str(program)
    said = nuke.works(
        f"""
        from wetgate_nuke import colour, WetgateError
        root = nuke.root()
        root["colorManagement"].setValue({management!r})
        root["workingSpaceLUT"].setValue("scene_linear" if {management!r} == "OCIO" else "linear")
        root["OCIO_config"].setValue({config!r})
        root["customOCIOConfigPath"].setValue("/studio/config.ocio")
        read = nuke.createNode("Read")
        if {knob!r} == "raw":
            read["raw"].setValue(True)
        elif not {knob!r}.startswith("default"):
            read["colorspace"].setValue({knob!r})
        assert {knob!r} == "raw" or str(read["colorspace"].value()) == {knob!r}
        try:
            print(colour.space_of(read))
        except WetgateError as error:
            print("error:", error)
        print(colour.config())
        """
    )
    first, second = said.splitlines()
    assert first.startswith(space)
    expected = {
        "fn-nuke_studio-config-v2.1.0_aces-v1.3_ocio-v2.3": "ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3",
        "custom": "/studio/config.ocio",
        "aces_1.2": str(legacy),
        "": "None",
    }
    assert second == expected[config]


def ocio(first: int, last: int, pattern: Path) -> str:
    """The beginning of a script that reads a plate under OCIO management."""
    return f"""
        import wetgate_nuke
        root = nuke.root()
        root["colorManagement"].setValue("OCIO")
        root["OCIO_config"].setValue("fn-nuke_studio-config-v2.1.0_aces-v1.3_ocio-v2.3")
        root["workingSpaceLUT"].setValue("scene_linear")
        read = nuke.createNode("Read")
        read["file"].setValue({str(pattern)!r})
        read["first"].setValue({first})
        read["last"].setValue({last})
        read["colorspace"].setValue("ACEScg")
    """


@pytest.mark.parametrize("python", pythons())
def test_a_selected_read_is_restored_and_comes_back_as_a_read(tmp_path: Path, python: str) -> None:
    pattern = plate(tmp_path / "plates", "A", range(1001, 1009), size=(24, 32))
    said = Nuke(tmp_path, python).works(
        ocio(1001, 1008, pattern)
        + f"""
        read["frame_mode"].setValue("start at")
        read["frame"].setValue("1")
        grain = wetgate_nuke.create("grain", amount=0.5)
        done = wetgate_nuke.restore(grain, "{tmp_path}/out/A.####.exr", frames="1-5x2")
        print(sorted(done.outcome.written), done.outcome.failed)
        made = done.read
        names = "file first last origfirst origlast frame_mode frame colorspace raw before"
        for name in names.split():
            print(name, made[name].value())
        print(made.xpos() - read.xpos(), root["last_frame"].value())
        again = wetgate_nuke.restore(grain, "{tmp_path}/out/A.####.exr", frames="1 5 2", make_read=False)
        print(again.outcome.written, sorted(again.outcome.kept), again.read)
        """
    )
    lines = said.splitlines()
    assert "[1001, 1003, 1005] {}" in lines
    assert "(3 of 3)" in said
    shown = dict(line.split(" ", 1) for line in lines if " " in line)
    assert shown["file"] == f"{tmp_path}/out/A.####.exr"
    assert (shown["first"], shown["last"], shown["origfirst"], shown["origlast"]) == ("1001", "1005", "1001", "1005")
    assert (shown["frame_mode"], shown["frame"]) == ("offset", "-1000")
    assert (shown["colorspace"], shown["raw"]) == ("ACEScg", "False")
    assert lines[-1] == "[1002] [1001, 1005] None"
    record = json.loads((tmp_path / "out/A.wetgate.json").read_text())
    assert record["graph"]["nodes"][0]["params"]["amount"] == 0.5
    assert not np.array_equal(wetgate.read(tmp_path / "out/A.1001.exr")[0].pixels[..., 1], np.full((24, 32), 0.25))


def test_a_write_is_rendered_by_nuke_and_then_restored_without_a_window(nuke: Nuke, tmp_path: Path) -> None:
    pattern = plate(tmp_path / "plates", "A", range(1001, 1009), size=(24, 32))
    script = {
        "nodes": [
            {
                "class": "Read",
                "name": "Read1",
                "knobs": {"file": str(pattern), "first": 1001, "last": 1008, "colorspace": "linear"},
            },
            {"class": "Grade", "name": "Grade1", "inputs": ["Read1"]},
            {
                "class": "Write",
                "name": "Write1",
                "inputs": ["Grade1"],
                "knobs": {
                    "file": f"{tmp_path}/plates/graded.%04d.exr",
                    "file_type": "exr",
                    "first": 1001,
                    "last": 1004,
                    "use_limit": True,
                    "raw": True,
                },
            },
        ]
    }
    (tmp_path / "shot.nk").write_text(json.dumps(script))
    batch = nuke.plugin / "wetgate_batch.py"
    common = ("shot.nk", "-n", "Write1", "-o", f"{tmp_path}/out/A.####.exr")
    done = nuke.run(batch, *common, "-g", "hdr-lift", "--frames=1001-1003", "--save", f"{tmp_path}/new.nk")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Wetgate: 3 written, 0 kept, 0 failed" in done.stdout
    assert sorted(p.name for p in (tmp_path / "plates").glob("graded*")) == [
        f"graded.{n}.exr" for n in (1001, 1002, 1003)
    ]
    saved = json.loads((tmp_path / "new.nk").read_text())["nodes"][-1]
    assert saved["class"] == "Read"
    assert saved["knobs"]["raw"] is True  # light above 1 in the working space, which Nuke's own curves do not name
    header = json.loads((tmp_path / "out/A.wetgate.json").read_text())
    assert header["out_space"] == wetgate_name("lin_rec709_srgb")
    refused = nuke.run(batch, *common)
    assert refused.returncode == 2
    assert "Grade1 is a Grade" in refused.stdout or "no Wetgate node above Write1" in refused.stdout
    unknown = nuke.run(batch, "shot.nk", "-n", "Wriet1", "-o", "x.####.exr", "-g", "hdr-lift")
    assert unknown.returncode == 2
    assert "there is no node 'Wriet1' in shot.nk; it has Read1, Write1" in unknown.stdout
    absent = nuke.run(batch, "none.nk", "-n", "Write1", "-o", "x.####.exr")
    assert absent.returncode == 2
    assert "couldn't open script" in absent.stdout
    assert "Traceback" not in refused.stdout + unknown.stderr + absent.stderr


def wetgate_name(alias: str) -> str:
    from wetgate.color.config import ColorConfig

    return ColorConfig.load().resolve(alias)


def test_the_command_lines_own_message_is_what_the_user_reads(nuke: Nuke, tmp_path: Path) -> None:
    pattern = plate(tmp_path / "plates", "A", range(1001, 1004))
    said = nuke.works(
        ocio(1001, 1003, pattern)
        + f"""
        for more in (dict(preset="hdr-lift", out_space="no such space"), dict(nodes=["grian"]), dict(preset="hdr-litf"),
                     dict(nodes=["grain"], frames="1-2"), dict(), dict(nodes=["grain"], preset="hdr-lift"),
                     dict(graph="{tmp_path}/none.yaml")):
            try:
                wetgate_nuke.restore(read, "{tmp_path}/out/A.####.exr", **more)
            except wetgate_nuke.WetgateError as error:
                print("error:", error)
        for output in ("out", "out/A.mov", "out/A.exr"):
            try:
                wetgate_nuke.restore(read, output, nodes=["grain"])
            except wetgate_nuke.WetgateError as error:
                print("error:", error)
        """
    )
    for text in (
        "no such space",
        "did you mean 'grain'?",
        "did you mean 'hdr-lift'?",
        "2 frames are outside of",
        "there is no Wetgate node above Read1",
        "are alternatives",
        "none.yaml is not there",
        "name a sequence",
    ):
        assert text in said, said
    assert said.count("error:") == 10
    assert not (tmp_path / "out").exists()


def test_a_frame_that_fails_is_told_of_and_the_others_are_there(nuke: Nuke, tmp_path: Path) -> None:
    pattern = plate(tmp_path / "plates", "A", range(1001, 1004))
    (tmp_path / "plates/A.1002.exr").write_bytes(b"damaged")
    said = nuke.works(
        ocio(1001, 1003, pattern)
        + f"""
        done = wetgate_nuke.restore(read, "{tmp_path}/out/A.####.exr", nodes=["hdr_lift:method=bt2446a"])
        print(sorted(done.outcome.written), list(done.outcome.failed), done.read["last"].value())
        """
    )
    assert said.endswith("[1001, 1003] [1002] 1003\n")
    assert "Wetgate: frame 1002 failed" in said


def test_a_window_shows_progress_and_cancel_ends_the_render(nuke: Nuke, tmp_path: Path) -> None:
    pattern = plate(tmp_path / "plates", "A", range(1001, 1031), size=(64, 64))
    nuke.environ["FAKE_NUKE_CANCEL_AT"] = "2"
    said = nuke.works(
        ocio(1001, 1030, pattern)
        + f"""
        try:
            wetgate_nuke.restore(read, "{tmp_path}/out/A.####.exr", nodes=["grain"])
        except wetgate_nuke.Cancelled as error:
            print(error)
        bar = nuke.ProgressTask.instances[0]
        print(bar.title, bar.progress, bar.messages[0])
        """,
        gui=True,
    )
    assert said.splitlines()[0] == "Cancelled"
    assert re.match(r"Wetgate: A\.####\.exr \d+ (Analysing|Frame)", said.splitlines()[1])
    assert not list(tmp_path.glob("out/.*.tmp"))


def test_the_menu_asks_restores_in_the_background_and_tells_of_errors(nuke: Nuke, tmp_path: Path) -> None:
    pattern = plate(tmp_path / "plates", "A", range(1001, 1004))
    said = nuke.works(
        ocio(1001, 1003, pattern)
        + f"""
        import threading
        import wetgate_nuke.menus as menus
        nuke.Panel.answers = {{"what": "hdr-lift", "output": "{tmp_path}/out/A.####.exr", "frames": "1001-1002"}}
        menus.ask_and_restore()
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                thread.join(60)
        made = nuke.allNodes()[-1]
        print(made.Class(), made["first"].value(), made["last"].value(), nuke.messages)
        read.setSelected(False)
        menus.ask_and_restore()
        print(nuke.messages)
        """,
        gui=True,
    )
    assert "Read 1001 1002 []" in said
    assert "0 nodes are selected" in said


def test_a_command_line_that_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    nuke = Nuke(tmp_path, command=["/nowhere/python"])
    pattern = plate(tmp_path / "plates", "A", range(1, 3))
    code = ocio(1, 2, pattern) + "\n        wetgate_nuke.restore(read, '/x/A.####.exr', nodes=['grain'])\n"
    done = nuke.run(code)
    assert done.returncode == 1
    assert "Wetgate's command line is not there: /nowhere/python" in done.stderr
    assert "wetgate hosts install" in done.stderr.splitlines()[-1]


def test_wetgate_command_overrides_what_the_installation_says(tmp_path: Path) -> None:
    program = tmp_path / "wetgate"
    program.write_text('#!/bin/sh\necho \'{"event": "error", "error": "from the studio\'"\'"\'s own"}\'\nexit 2\n')
    program.chmod(0o755)
    nuke = Nuke(tmp_path, environ={"WETGATE_COMMAND": str(program)})
    pattern = plate(tmp_path / "plates", "A", range(1, 3))
    code = ocio(1, 2, pattern) + "\n        wetgate_nuke.restore(read, '/x/A.####.exr', nodes=['grain'])\n"
    assert nuke.run(code).stderr.splitlines()[-1].endswith("from the studio's own")


def test_what_only_nuke_can_do_is_not_left_out_in_silence(nuke: Nuke, tmp_path: Path) -> None:
    pattern = plate(tmp_path / "plates", "A", range(1001, 1004))
    said = nuke.works(
        ocio(1001, 1003, pattern)
        + """
        grain = wetgate_nuke.create("grain")
        def tried():
            try:
                return wetgate_nuke.graph_of(grain)["nodes"]
            except wetgate_nuke.WetgateError as error:
                return str(error)
        assert len(tried()) == 1
        grain.setInput(1, read)
        print(tried())
        grain.setInput(1, None)
        grain["input_space"].setValue(3)
        print(tried())
        grain["input_space"].setValue(0)
        grain["disable"].setValue(True)
        print(tried())
        """
    )
    lines = said.splitlines()
    assert "mask connected" in lines[0]
    assert "input space of its own" in lines[1]
    assert lines[2] == "[]"


def test_a_movie_counts_from_one_in_nuke_and_from_zero_in_the_command_line(nuke: Nuke) -> None:
    said = nuke.works(
        """
        from wetgate_nuke.footage import footage_of, wanted_frames
        read = nuke.createNode("Read")
        read["file"].setValue("/a/tape.mov")
        read["first"].setValue(1)
        read["last"].setValue(24)
        footage = footage_of(read)
        print(footage.first, footage.last, footage.numbers(wanted_frames("1 24", footage)), footage.is_still)
        read["frame_mode"].setValue("offset")
        read["frame"].setValue("1000")
        footage = footage_of(read)
        print(footage.numbers(wanted_frames("1001 1024", footage)), wanted_frames(None, footage)[0])
        """
    )
    assert said.splitlines() == ["0 23 [0, 23] False", "[0, 23] 1001"]


def test_views_expressions_and_the_project_folder_are_filled_in(nuke: Nuke) -> None:
    said = nuke.works(
        """
        import os
        from wetgate_nuke import WetgateError
        from wetgate_nuke.footage import path_of
        os.environ["SHOT"] = "sh010"
        read = nuke.createNode("Read")
        nuke.root()["project_directory"].setValue("/show")
        read["file"].setValue("[getenv SHOT]/plate_%V.%04d.exr")
        nuke._views = ["left", "right"]
        print(path_of(read), path_of(read, "right"))
        try:
            path_of(read, "middle")
        except WetgateError as error:
            print(error)
        """
    )
    assert said.splitlines()[0] == "/show/sh010/plate_left.%04d.exr /show/sh010/plate_right.%04d.exr"
    assert "it has" in said or "the script has left, right" in said


def test_a_studio_bundle_and_configuration_are_set_at_the_start(nuke: Nuke) -> None:
    settings = nuke.plugin / "wetgate.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"ofx": "/studio/ofx", "ocio": "/studio/c.ocio"}))
    code = "import os; print(os.environ.get('OFX_PLUGIN_PATH'), nuke.root()['customOCIOConfigPath'].value())"
    assert nuke.works(code) == "/studio/ofx /studio/c.ocio\n"
    nuke.environ |= {"OCIO": "/own.ocio", "OFX_PLUGIN_PATH": "/other"}
    assert nuke.works(code) == "/studio/ofx:/other \n"
    settings.write_text("{")
    assert "cannot be read" in nuke.works(code)  # and Nuke starts


def test_the_catalogue_has_the_classes_that_the_bundle_makes() -> None:
    made = catalogue.document(registry.nodes())
    assert {n["id"]: n["class"] for n in made["nodes"]} == {n: f"OFXio.wetgate.{n}_v1" for n in registry.nodes()}
    assert all(n["class"] == n["class"][:3] + n["class"][3:].lower() for n in made["nodes"])


def test_no_parameter_has_the_name_of_one_of_nukes_own_knobs() -> None:
    # Knobs that every Nuke node has; a parameter of that name could not be reached by a script.
    own = {
        *("name", "label", "file", "disable", "channels", "mask", "cached", "selected", "xpos", "ypos", "tile_color"),
        *("note_font", "postage_stamp", "onCreate", "onDestroy", "knobChanged", "updateUI", "autolabel", "useLifetime"),
        *("lifetimeStart", "lifetimeEnd", "version", "panel", "icon", "indicators", "help", "bookmark"),
    }
    found = {n.id: sorted(set(n.params) & own) for n in registry.nodes().values()}
    assert not any(found.values()), found
