"""How a request reads in a prompt: its strategy, history, last error and dead branches."""

from collections.abc import Sequence

from rapidfuzz.distance import Indel

from activities.localisation.ranking import Suspect
from hydranet.contracts import AttemptDigest, DeadBranch, Findings, StepRequest
from hydranet.convergence.error_signature import ErrorClass
from hydranet.question import BehaviourQuestion
from hydranet.strategy import Strategy
from hydranet.text.escaping import fence
from hydranet.text.truncation import keep_first_lines, keep_last_lines, keep_start

_PARAGRAPH = 600

# Lines on either side of a diff, of which a change is told by the two that are most alike.
_COMPARED = 40

_ADVICE = {
    ErrorClass.SYNTAX: "The code does not parse: write it whole and valid.",
    ErrorClass.IMPORT: "An import fails: use only names that exist, and import what is used.",
    ErrorClass.TYPE: "A value is not of the expected kind: find where it comes from instead of guarding its use.",
    ErrorClass.RUNTIME: "An exception ends the code: follow the value that causes it back to where it goes wrong.",
    ErrorClass.ASSERTION: "The code runs and gives a wrong result: compare it with what the test expects.",
    ErrorClass.TIMEOUT: "The tests do not end: look for a loop or a recursion that never reaches its end.",
    ErrorClass.RESOURCE: "Memory or output runs out: look for something that grows without bound.",
}


def build_step_values(request: StepRequest) -> dict[str, str]:
    """Return the values of the prompts of an attempt: "plan", "implement" and its other forms, "reflect"."""
    strategy, plan = request.strategy, request.plan
    symbols = ", ".join(f"`{symbol}`" for symbol in strategy.target_symbols)
    files = ", ".join(strategy.target_files)
    return {
        "hypothesis": keep_first_lines(f"{strategy.title}. {strategy.rationale}".strip(), _PARAGRAPH),
        "plan": keep_first_lines(f"{plan.summary} {plan.steps}".strip(), _PARAGRAPH) if plan else "",
        "history": "\n\n".join(map(_attempt, request.history)),
        "reflection": keep_first_lines(request.reflection, _PARAGRAPH),
        "dead": "\n".join(f"- {line}" for line in request.dead),
        # In every form of the question, which leaves out what others have thought of.
        "instruction": "\n".join(filter(None, (strategy.plan if strategy.suggested_by else "", request.instruction))),
        "error": _error(request),
        "advice": _ADVICE.get(request.error.error_class, "") if request.error else "",
        "target": " of ".join(filter(None, (symbols, files))) or "the code above",
    }


def prompt_variants(values: dict[str, str], *, deliberates: bool) -> list[dict[str, str]]:
    """Different ways to ask for the same change, since what misleads a model in one it does not see in another.

    One that deliberates is asked by turns with its plan and without what it thought of before; one that does not,
    without the failing tests and what they make suspicious, which distract it about as often as they help, with them,
    and with what has failed.
    """
    plain = values | dict.fromkeys(("hypothesis", "plan", "history", "reflection", "dead"), "")
    if deliberates:
        return [values, plain]
    bare = values | dict.fromkeys(("hypothesis", "plan"), "")
    return [plain | {"failing": "", "suspicious": ""}, plain, *([bare] if bare != plain else [])]


def describe_investigations(count: int) -> str:
    """Return what a plan is told of the commands it may ask for; nothing when it may ask for none."""
    if not count:
        return ""
    tools = '"read_file PATH FIRST LAST", "list_dir PATH", "search TEXT PATH" or "run COMMAND"'
    return f'Before the code is written you may look: "investigate" is a list of up to {count} of {tools}.'


def describe_findings(findings: Findings) -> str:
    """Return what the commands of a plan printed, each after the command itself."""
    return "\n\n".join(f"{finding.asked}\n{fence(finding.output)}" for finding in findings.findings)


def describe_hypothesis(strategy: Strategy) -> str:
    """Return a strategy in a line: what it aims at and why."""
    aim = ", ".join((*strategy.target_symbols, *strategy.target_files))
    return keep_first_lines(f"{strategy.title} ({strategy.kind}; {aim}). {strategy.rationale}".replace("\n", " "), 300)


def list_changed_lines(diff: str) -> list[str]:
    """Return the lines of a diff, or of its head as a digest has it, that go or come, without those around them."""
    return [line for line in diff.split("\n") if line.startswith(("+", "-")) and not line.startswith(("+++ ", "--- "))]


def describe_change(diff: str) -> str:
    """Return a unified diff in a line: of what goes and what comes the two lines that are most alike."""
    lines = list_changed_lines(diff)
    gone, came = (
        [line[1:].strip()[:200] for line in lines if line.startswith(sign) and line[1:].strip()][:_COMPARED]
        for sign in "-+"
    )
    pairs = ((old, new) for old in gone or [""] for new in came or [""] if old != new)
    old, new = max(pairs, key=lambda pair: Indel.normalized_similarity(*pair), default=("", ""))
    return f"{keep_start(old, 80) or 'nothing'} → {keep_start(new, 80) or 'nothing'}"


def describe_choices(question: BehaviourQuestion) -> str:
    """Return what a call gave and what two choices make of it, each with its change."""
    first, second = (
        f"{number}. it {keep_start(text, _RESULT)}, {f'with {choice.title}' if choice.title else 'as before'}"
        for number, text, choice in zip((1, 2), question.list_results(), question.choices, strict=True)
    )
    call = question.call
    code = "\n".join(filter(None, (call.setup, keep_start(call.text, _RESULT))))
    return fence(f"{code}\n\nBefore any change it {keep_start(question.before, _RESULT)}\n{first}\n{second}")


def describe_dead_branch(branch: DeadBranch) -> str:
    """Return a dead branch in a line: its aim, what came of it and what that rules out."""
    strategy, lesson = branch.strategy, branch.lesson
    aim = ", ".join((*strategy.target_symbols, *strategy.target_files))
    came = keep_first_lines(lesson.failed or branch.reason, 160)
    ruled_out = f" Ruled out: {keep_first_lines(lesson.rules_out, 160)}" if lesson.rules_out else ""
    return f"- {strategy.title} ({strategy.kind}; {aim}): {came}{ruled_out}"


def _attempt(attempt: AttemptDigest) -> str:
    failing = f" {attempt.failing_count} tests failed." if attempt.failing_count else ""
    changes = list_changed_lines(attempt.patch)
    shown = "\n" + fence("\n".join(changes), "diff") if changes else ""
    looked = f" Looked at: {attempt.looked}." if attempt.looked else ""
    return f"{attempt.number}. {attempt.summary} {attempt.reason}{failing}{looked}{shown}"


def _error(request: StepRequest) -> str:
    """Return the error's signature, which says more than the end of a log; the log where there is none."""
    error = request.error
    if error is None:
        return fence(keep_last_lines(request.tail.strip(), _PARAGRAPH)) if request.tail.strip() else ""
    where = " in ".join(filter(None, (error.function, error.file)))
    return fence(f"{error.type}: {error.message}" + (f"\nat {where}" if where else ""))


# Characters of a call, and of what comes of it.
_RESULT = 600
_STATEMENTS = 2
_CHARACTERS = 160


def describe_suspects(suspects: Sequence[Suspect]) -> str:
    """Suspects, each with its reasons and the statements that are most suspicious; empty without any."""
    return fence("\n".join(map(_told, suspects))) if suspects else ""


def _told(suspect: Suspect) -> str:
    region, scores = suspect.region, suspect.statements
    lines = region.source.text.split("\n")
    inner = [score for score in scores if score.node is not region.node and scores[score]]
    worst = sorted(inner, key=lambda item: -scores[item])[:_STATEMENTS]
    quoted = [
        f"  line {item.first_line}: {keep_start(lines[item.first_line - 1].strip(), _CHARACTERS)}" for item in worst
    ]
    return "\n".join((f"{region.label}: {keep_start('; '.join(suspect.reasons), 2 * _CHARACTERS)}", *quoted))
