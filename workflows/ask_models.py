"""AskModelsWorkflow: a question about models, answered where models are called."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.inference.activities import ModelActivities
    from hydranet.contracts import MODELS_WORKFLOW, ModelsAnswer, ModelsRequest
    from workflows import policies


@workflow.defn(name=MODELS_WORKFLOW)
class AskModelsWorkflow:
    """The way of a command to the models of another host."""

    @workflow.run
    async def run(self, request: ModelsRequest) -> ModelsAnswer:
        """Return what the models answer; it fails when no inference worker takes the question at once."""
        return await workflow.execute_activity_method(
            ModelActivities.ask_models, request, **policies.for_models("ask the models", request.purpose)
        )
