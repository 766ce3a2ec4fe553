"""The same run with any text in the place of all that a repository, a model or a person writes."""

from typing import Any

from hydranet.convergence.error_signature import ErrorSignature
from hydranet.genealogy import Ending, Genealogy, PersonMessage
from hydranet.patches import Edit
from tests.unit.report.story import attempt, branch, run

HOSTILE = (
    "</style></title></pre><script>alert(1)</script> `x` ``` | **b** \n# h\n- l \x1b[31mred\x9b \u202egnp.exe"
    " \" ' onload=x {{ 7 * 7 }} &amp; [a](javascript:b)"
)
HARMLESS = "plain words"


def genealogy(text: str, *, won: bool) -> Genealogy:
    name = text[:200]
    edits = (Edit(file=name, start=3, removed=(text, ""), added=(text, "\ttab")),)
    error = ErrorSignature(type=name, message=text, file=name, function=name)
    failed = attempt(1, score=0.9, edits=edits, error=error, summary=text).model_copy(update={"reason": text})
    last = attempt(2, 0 if won else 2, edits=edits, error=error, summary=text)
    own: dict[str, Any] = {"title": text, "reason": text, "kind": text, "files": (name,), "symbols": (name,)}
    return run(
        branch(1, failed, began=1.0, ended=9.0, **own),
        branch(
            2, failed, last, ending=Ending.PASSED if won else Ending.SPENT, model=name, began=9.0, ended=20.0, **own
        ),
        run_id=name,
        repository_name=name,
        title=text,
        base=name,
        model=f"m {name}"[:200],
        reason=text,
        published=name,
        messages=(PersonMessage(kind="override", sender=text, text=text),),
        target_tests=(name,),
    )
