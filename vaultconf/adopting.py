"""What the server has → the places of the files where it belongs. Pure but for the policy files that it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from vaultconf import export_files, references, words, yaml_writer
from vaultconf.adopt_places import RawFile, Sources, Spot
from vaultconf.adopt_values import Fields
from vaultconf.documents import FOLDERS
from vaultconf.errors import Place, Problem
from vaultconf.fields import canonical_policy
from vaultconf.kind_facts import from_file
from vaultconf.model import Desired
from vaultconf.project import POLICIES, Project, read_bytes
from vaultconf.text_lines import relined
from vaultconf.yaml_cuts import Refusal, Wish
from vaultconf.yaml_edits import Tree, edited, plain
from vaultconf.yaml_nodes import parse
from vaultconf.yaml_text import shown


@dataclass(frozen=True, slots=True)
class Edited:
    """The new contents of files, by path below the project's folder, and what they were (None: not there)."""

    files: Mapping[str, bytes] = field(repr=False)
    before: Mapping[str, bytes | None] = field(repr=False)
    problems: tuple[Problem, ...] = ()


def edit(loaded: Project, differing: Iterable[Fields], new: Iterable[Desired]) -> Edited:
    """Write the fields that differ, and the objects that no file declares, where they belong; touches no file."""
    writer = _Writer(loaded)
    for fields in differing:
        writer.fields(fields)
    for item in sorted(new, key=lambda item: (not item.kind.is_mount, str(item.address))):
        writer.object(item)
    return writer.edited()


class _Writer:
    """Gathers what is wished for every document, and the texts of policies."""

    def __init__(self, loaded: Project) -> None:
        self.loaded = loaded
        self.sources = Sources(loaded)
        self.wishes: dict[tuple[str, int], Tree] = {}
        self.added: dict[tuple[str, str], Tree] = {}
        self.texts: dict[str, bytes] = {}
        self.before: dict[str, bytes | None] = {}
        self.problems: list[Problem] = []

    def complain(self, item: Desired, message: str, place: Place | None, hint: str) -> None:
        self.problems.append(Problem(message, place, hint, str(item.address)))

    # --- what is declared ---

    def fields(self, found: Fields) -> None:
        """The fields of a declared object."""
        for name, wish in found.wishes.items():
            place = found.desired.places.get(name)
            if place is None:
                self.new_field(found.desired, name, wish)
            elif self.is_ours(found.desired, name, place):
                self.old_field(found.desired, name, place, wish)

    def is_ours(self, item: Desired, name: str, place: Place) -> bool:
        """Whether what stands at a place belongs to one object of the desired state alone."""
        if place.use:
            message = f"`{shown(name)}` of `{shown(str(item.address))}` comes from a template"
            self.complain(item, message, place, "change the template, or make a parameter of it")
            return False
        if self.sources.spot(place) is None and not place.file.endswith(".hcl"):
            message = f"`{shown(name)}` of `{shown(str(item.address))}` is not written in the desired state itself"
            self.complain(item, message, place, "change it there by hand: it may hold for this target alone")
            return False
        return True

    def old_field(self, item: Desired, name: str, place: Place, wish: Wish) -> None:
        """A field that is written: in YAML, or as the text of a policy file."""
        spot = self.sources.spot(place)
        if spot is None:
            self.text(item, place.file, wish)
        elif spot.keys[-1] == "file" and from_file(item.kind) == name:
            self.text(item, self.named_file(spot), wish)
        else:
            self.wish(spot, (), wish)

    def new_field(self, item: Desired, name: str, wish: Wish) -> None:
        """A field that the files leave out."""
        spot = self.sources.body(item)
        if spot is None and item.place.use:
            message = f"`{shown(name)}` of `{shown(str(item.address))}` is not in the template that makes it"
            self.complain(item, message, item.place, "write it there, as a parameter where the uses differ")
            return
        self.wish(spot or self.sources.home(item), tuple(name.split(".")), wish)

    def named_file(self, spot: Spot) -> str:
        """The path of the file that `file:` names, which has been read before."""
        node = self.sources.files[spot.file].roots[spot.number or 0]
        for key in spot.keys[:-1]:
            node = node.below(key)[1]  # type: ignore[index]  # the spot is one of this tree
        written = node.below(spot.keys[-1])
        return references.inside(written[1].text if written else "", PurePosixPath(spot.file).parent)

    # --- what is not ---

    def object(self, item: Desired) -> None:
        """An object that no file declares."""
        values = dict(item.values)
        name = from_file(item.kind)
        path = self.text_file(item, str(values.get(name, ""))) if name else ""
        if path:
            text = str(values.pop(name))
            self.before[path] = None
            self.texts[path] = (references.literal_in_file(text) + "\n").encode()
            if not values:
                return
        spot = self.sources.home(item)
        tree = export_files.body(item.kind, values, lambda path: path)
        self.wish(spot, (), _tree(tree) or Wish({}))

    def text_file(self, item: Desired, text: str) -> str:
        """The file for the text of a new policy; "" where it belongs into a document, or no file can bear its name."""
        stem, namespace = item.params[item.kind.holes[-1]], item.address.namespace
        folders = [folder for folder, kind in FOLDERS.items() if kind == item.kind.name and not namespace]
        if item.kind.name == FOLDERS[POLICIES]:
            folders += self.sources.folders(namespace)
        counts = {folder: self.files_in(folder) for folder in folders}
        folder = max(counts, key=lambda folder: counts[folder], default="")
        path = f"{folder}/{stem}.hcl"
        in_documents = self.sources.like(item)
        taken = (self.loaded.root / path).exists() or path.casefold() in {name.casefold() for name in self.texts}
        is_bearable = export_files.STEM.fullmatch(stem) is not None and export_files.encodable(text)
        return path if folder and in_documents <= counts[folder] and not taken and is_bearable else ""

    def files_in(self, folder: str) -> int:
        """How many policies are files of a folder."""
        return sum(1 for _ in (self.loaded.root / folder).glob("*.hcl"))

    # --- both ---

    def wish(self, spot: Spot, more: tuple[str, ...], wish: Wish | Tree) -> None:
        """Wish for a value at a place of a document, or of one that is to be added."""
        if spot.number is None:
            tree = self.added.setdefault((spot.file, spot.namespace), {})
        else:
            tree = self.wishes.setdefault((spot.file, spot.number), {})
        *parents, last = (*spot.keys, *more)
        for key in parents:
            below = tree.setdefault(key, {})
            if isinstance(below, Wish):  # a map without entries
                below = tree[key] = {}
            tree = below
        there = tree.get(last)
        if isinstance(there, dict) and isinstance(wish, dict):
            there.update(wish)
        elif not isinstance(there, dict):
            tree[last] = wish

    def text(self, item: Desired, name: str, wish: Wish) -> None:
        """Another text for a policy file, of which the lines that are equal stay as they are."""
        data = read_bytes(self.loaded.root, name)
        old = data.decode("utf-8")
        at = Place(name, 1, 1)
        if words.mentioned(data) and words.tokens(old):
            token = words.tokens(old)[0]
            message = f"the text of `{shown(str(item.address))}` comes from `{token}`"
            self.complain(item, message, at, "change what it stands for, or the text by hand")
            return
        declared = item.values[from_file(item.kind)]
        if canonical_policy(references.in_file(old)[0]) != declared:
            self.complain(item, f"`{name}` has changed since it was read", at, "run it once more")
            return
        new = references.literal_in_file(str(wish.canonical))
        kept = old.rstrip()
        newline = "\r\n" if "\r\n" in old else "\n"
        self.before[name] = data
        self.texts[name] = (relined(kept, new.split("\n"), newline, loose=True) + old[len(kept) :]).encode()

    def edited(self) -> Edited:
        """The new contents of all files that change."""
        files = dict(self.texts)
        for name in sorted({name for name, _ in self.wishes} | {name for name, _ in self.added}):
            raw = self.sources.files.get(name) or RawFile(name, "", "")
            self.before[name] = self.loaded.sources.get(name)
            here = [(number, tree) for (file, number), tree in self.wishes.items() if file == name]
            text, refused = edited(raw.text, here)
            for refusal in refused:
                self.refused(raw, refusal)
            for (file, namespace), tree in self.added.items():
                text = _appended(text, namespace, tree) if file == name else text
            files[name] = (raw.bom + text).encode()
        return Edited(files, self.before, tuple(dict.fromkeys(self.problems)))

    def refused(self, raw: RawFile, refusal: Refusal) -> None:
        """A value that cannot be changed where it stands."""
        place = Place(raw.name, *refusal.at)
        hint = "write by hand what it shall be"
        if refusal.token:
            name = refusal.token.partition(":")[2].rstrip("}")
            word = self.loaded.words.vars.get(name) if refusal.token.startswith("${var:") else None
            hint = f"change it there by hand; it is given at {word.place}" if word else "change what it stands for"
        self.problems.append(Problem(f"this value {refusal.reason}", place, hint))


def _tree(values: Mapping[str, object]) -> Tree:
    """Maps of fields as a tree, values as wishes."""
    return {
        key: _tree(item) if isinstance(item, dict) and item else Wish(item, canonical=item)
        for key, item in values.items()
    }


def _appended(text: str, namespace: str, tree: Tree) -> str:
    """A file with one document more."""
    head = {"namespace": namespace} if namespace else {}
    found = yaml_writer.dump({**head, **{key: plain(item) for key, item in tree.items()}})
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = "" if text.endswith("\n") or not text else newline
    mark = f"---{newline}" if parse(text) else ""
    return f"{text}{gap}{mark}{found.replace(chr(10), newline)}"
