"""GitHub's Git data API over a real bare repository: blobs, trees, commits, refs, comparisons.

Does what GitHub does and refuses what it refuses: a ref that exists, an update that is no fast
forward, a tree of objects that are not there. Tests look into the repository with git itself.
"""

from __future__ import annotations

import base64
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.fakes import github_commit_documents as documents
from tests.fakes.github_wire import Answer, Request, invalid, not_found
from tests.repositories import environment

_FILE = "100644"
_STATUS = {"A": "added", "M": "modified", "D": "removed", "T": "changed"}


class BareRepository:
    """The repository behind the fake GitHub; every method is one git command or two."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fixed: dict[tuple[str, ...], bytes] = {}
        if not (path / "HEAD").exists():
            path.mkdir(parents=True, exist_ok=True)
            self.git("init", "--quiet", "--bare", "--initial-branch=main")

    def git(self, *arguments: str, stdin: bytes = b"", **environ: str) -> str:
        return self.raw(*arguments, stdin=stdin, **environ).decode().strip()

    def raw(self, *arguments: str, stdin: bytes = b"", **environ: str) -> bytes:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env=environment(**environ),
            input=stdin,
            capture_output=True,
            check=True,
        )
        return done.stdout

    def fixed(self, *arguments: str) -> bytes:
        """What git says of objects, named by their ids: asked once, since it never changes."""
        if arguments not in self._fixed:
            self._fixed[arguments] = self.raw(*arguments)
        return self._fixed[arguments]

    def asks(self, *arguments: str) -> str | None:
        try:
            return self.git(*arguments)
        except subprocess.CalledProcessError:
            return None

    def commit_of(self, name: str) -> str | None:
        return self.asks("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")

    def tip(self, branch: str) -> str | None:
        return self.commit_of(f"refs/heads/{branch}")

    def text(self, name: str, path: str) -> str:
        """A file of a commit or branch, every byte of it."""
        return self.raw("cat-file", "blob", f"{name}:{path}").decode()

    def files(self, name: str) -> set[str]:
        return set(self.git("ls-tree", "-r", "--name-only", name).splitlines())

    def commit(self, branch: str, message: str, **how: Any) -> str:
        """Somebody's commit on a branch, made beside all API; ``files`` maps a path to its text."""
        tip = self.tip(branch)
        parents = how.get("parents") or ([tip] if tip else [])
        changes = [
            (_FILE, path, None if text is None else self.blob(text.encode()))
            for path, text in how["files"].items()
        ]
        start = how.get("tree_of", tip)
        tree = self.tree(changes, base=None if start is None else f"{start}^{{tree}}")
        made = self.make_commit(tree, message, parents)
        self.git("update-ref", f"refs/heads/{branch}", made)
        return made

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", stdin=content)

    def tree(self, changes: list[tuple[str, str, str | None]], *, base: str | None) -> str:
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.git("read-tree", *([base] if base else ["--empty"]), **index)
            lines = (
                f"{mode} {sha}\t{path}\0" if sha else f"0 {'0' * 40}\t{path}\0"
                for mode, path, sha in changes
            )
            self.git("update-index", "-z", "--index-info", stdin="".join(lines).encode(), **index)
            return self.git("write-tree", **index)

    def make_commit(self, tree: str, message: str, parents: list[str]) -> str:
        named = [word for parent in parents for word in ("-p", parent)]
        return self.git("commit-tree", tree, *named, stdin=message.encode())


class GitData:
    """The routes of the Git data API."""

    def __init__(self, repository: str, bare: BareRepository) -> None:
        self.repository = repository
        self.bare = bare

    def routes(self, root: str) -> list[tuple[str, str, Any]]:
        sha = "([0-9a-f]{40})"
        return [
            ("GET", rf"{root}/git/ref/heads/(.+)", self._get_ref),
            ("PATCH", rf"{root}/git/refs/heads/(.+)", self._update_ref),
            ("POST", rf"{root}/git/refs", self._create_ref),
            ("POST", rf"{root}/git/blobs", self._create_blob),
            ("GET", rf"{root}/git/blobs/{sha}", self._get_blob),
            ("POST", rf"{root}/git/trees", self._create_tree),
            ("GET", rf"{root}/git/trees/{sha}", self._get_tree),
            ("POST", rf"{root}/git/commits", self._create_commit),
            ("GET", rf"{root}/git/commits/{sha}", self._get_commit),
            ("GET", rf"{root}/compare/([0-9a-f]+)\.\.\.([0-9a-f]+)", self._compare),
        ]

    def _get_ref(self, request: Request) -> Answer:
        tip = self.bare.tip(request.groups[0])
        return not_found() if tip is None else self._ref(request, request.groups[0], tip)

    def _create_ref(self, request: Request) -> Answer:
        asked = request.json()
        branch = asked["ref"].removeprefix("refs/heads/")
        if self.bare.tip(branch) is not None:
            return invalid("Reference already exists")
        if self.bare.commit_of(asked["sha"]) is None:
            return invalid("Object does not exist")
        self.bare.git("update-ref", f"refs/heads/{branch}", asked["sha"])
        return self._ref(request, branch, asked["sha"], status=201)

    def _update_ref(self, request: Request) -> Answer:
        branch, asked = request.groups[0], request.json()
        tip = self.bare.tip(branch)
        if tip is None:
            return invalid("Reference does not exist")
        if self.bare.commit_of(asked["sha"]) is None:
            return invalid("Object does not exist")
        forward = self.bare.asks("merge-base", "--is-ancestor", tip, asked["sha"]) is not None
        if not asked.get("force") and not forward:
            return invalid("Update is not a fast forward")
        self.bare.git("update-ref", f"refs/heads/{branch}", asked["sha"])
        return self._ref(request, branch, asked["sha"])

    def _ref(self, request: Request, branch: str, sha: str, *, status: int = 200) -> Answer:
        body = documents.git_ref(request.root, self.repository, branch, sha)
        return Answer(status=status, body=body)

    def _create_blob(self, request: Request) -> Answer:
        asked = request.json()
        raw = asked["content"]
        content = base64.b64decode(raw) if asked.get("encoding") == "base64" else raw.encode()
        sha = self.bare.blob(content)
        return Answer(status=201, body={"url": self._url(request, "blobs", sha), "sha": sha})

    def _get_blob(self, request: Request) -> Answer:
        sha = request.groups[0]
        if self.bare.asks("cat-file", "-t", sha) != "blob":
            return not_found()
        content = self.bare.fixed("cat-file", "blob", sha)
        body = {
            "sha": sha,
            "node_id": "B_1",
            "url": self._url(request, "blobs", sha),
            "size": len(content),
            # GitHub breaks its base64 into lines.
            "content": base64.encodebytes(content).decode(),
            "encoding": "base64",
        }
        return Answer(body=body)

    def _create_tree(self, request: Request) -> Answer:
        asked = request.json()
        changes = [(one["mode"], one["path"], one["sha"]) for one in asked["tree"]]
        base = asked.get("base_tree")
        held = [sha for *_, sha in changes if sha is not None] + ([base] if base else [])
        if any(self.bare.asks("cat-file", "-e", sha) is None for sha in held):
            return invalid("tree.sha is not a valid object")
        return self._tree(request, self.bare.tree(changes, base=base), status=201)

    def _get_tree(self, request: Request) -> Answer:
        tree = self.bare.asks("rev-parse", f"{request.groups[0]}^{{tree}}")
        return not_found() if tree is None else self._tree(request, tree)

    def _tree(self, request: Request, tree: str, *, status: int = 200) -> Answer:
        entries = []
        listed = self.bare.fixed("ls-tree", "-z", tree).decode().strip()
        for line in filter(None, listed.split("\0")):
            about, _, path = line.partition("\t")
            mode, kind, sha = about.split(" ")
            entries.append({"path": path, "mode": mode, "type": kind, "sha": sha})
        body = {
            "sha": tree,
            "url": self._url(request, "trees", tree),
            "tree": entries,
            "truncated": False,
        }
        return Answer(status=status, body=body)

    def _create_commit(self, request: Request) -> Answer:
        asked = request.json()
        if any(self.bare.commit_of(parent) is None for parent in asked.get("parents", [])):
            return invalid("Parent SHA does not exist or is not a commit object")
        made = self.bare.make_commit(asked["tree"], asked["message"], asked.get("parents", []))
        return self._commit(request, made, status=201)

    def _get_commit(self, request: Request) -> Answer:
        sha = self.bare.commit_of(request.groups[0])
        return not_found() if sha is None else self._commit(request, sha)

    def _commit(self, request: Request, sha: str, *, status: int = 200) -> Answer:
        told = self.bare.fixed("show", "--no-patch", "--format=%T%n%P%n%B", sha).decode().strip()
        tree, parents, *message = told.split("\n")
        body = documents.git_commit(
            request.root,
            self.repository,
            sha=sha,
            tree=tree,
            parents=parents.split(),
            message="\n".join(message),
        )
        return Answer(status=status, body=body)

    def _compare(self, request: Request) -> Answer:
        base, head = (self.bare.commit_of(name) for name in request.groups)
        if base is None or head is None:
            return not_found()
        merge_base = self.bare.asks("merge-base", base, head)
        if merge_base is None:
            return not_found()
        raw = self.bare.git("diff", "--raw", "-z", "--no-renames", "--abbrev=40", merge_base, head)
        words = [word for word in raw.split("\0") if word]
        files = []
        for about, path in zip(words[::2], words[1::2], strict=True):
            _, _, old, new, status = about.removeprefix(":").split(" ")
            # GitHub gives the blob that went for a file that was removed.
            sha = old if status == "D" else new
            files.append((path, sha, _STATUS[status]))
        ahead, behind = (
            int(self.bare.git("rev-list", "--count", f"{one}..{other}"))
            for one, other in ((base, head), (head, base))
        )
        body = documents.comparison(
            request.root,
            self.repository,
            base=base,
            head=head,
            merge_base=merge_base,
            files=files,
            ahead=ahead,
            behind=behind,
            commits=self._between(request, base, head) if ahead else [],
        )
        return Answer(body=body)

    def _between(self, request: Request, base: str, head: str) -> list[tuple[str, str]]:
        """A page of the commits, the oldest first, with their messages."""
        size = int(request.query.get("per_page", "250"))
        first = (int(request.query.get("page", "1")) - 1) * size
        raw = self.bare.fixed("log", "--reverse", "-z", "--format=%H%n%B", f"{base}..{head}")
        told = [one.partition("\n") for one in raw.decode().split("\0") if one.strip()]
        return [(sha, message.strip()) for sha, _, message in told[first : first + size]]

    def _url(self, request: Request, kind: str, sha: str) -> str:
        return f"{request.root}/repos/{self.repository}/git/{kind}/{sha}"
