"""What the SDKs put on their spans, as attributes: one function a convention and purpose."""

import json

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValueList

from support.spans import key_values


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def known(attributes):
    return {key: value for key, value in attributes.items() if value is not None}


class NeatLogs:
    """neatlogs keeps each figure twice, under its own name and under the one that it was given."""

    @staticmethod
    def root(user=None, session=None, metadata=None):
        return known(
            {
                "neatlogs.end_user.id": user,
                "neatlogs.session.id": session,
                "neatlogs.end_user.metadata": compact(metadata) if metadata else None,
            }
        )

    @staticmethod
    def span(kind, workflow="support-desk", tags=None):
        return known(
            {
                "openinference.span.kind": kind.upper(),
                "neatlogs.span.kind": kind,
                "neatlogs.workflow_name": workflow,
                "neatlogs.user.id": "operator-7",
                "neatlogs.internal": True,
                "neatlogs.tags": tags,
            }
        )

    @staticmethod
    def usage(model, prompt, completion, **details):
        """`details`: cache_read, cache_write, reasoning."""
        counts = {"prompt": prompt, "completion": completion, "total": prompt + completion}
        result = {"llm.model_name": model, "neatlogs.llm.model_name": model, "neatlogs.llm.provider": "openai"}
        result |= {f"llm.token_count.{name}": count for name, count in counts.items()}
        result |= {f"neatlogs.llm.token_count.{name}": count for name, count in (counts | details).items()}
        return result

    @staticmethod
    def anthropic_usage(model, uncached, output, cache_read, cache_write):
        """What its wrapper of Anthropic's client copies, under its own names alone: input without what was cached."""
        counts = {"prompt": uncached, "completion": output, "total": uncached + output}
        counts |= {"cache_read": cache_read, "cache_write": cache_write}
        result = {"neatlogs.span.kind": "llm", "neatlogs.llm.model_name": model}
        result |= {"neatlogs.llm.provider": "anthropic", "neatlogs.llm.system": "anthropic"}
        return result | {f"neatlogs.llm.token_count.{name}": count for name, count in counts.items()}


class OpenInference:
    @staticmethod
    def bound(user=None, session=None, metadata=None, tags=None):
        return known(
            {
                "user.id": user,
                "session.id": session,
                "metadata": json.dumps(metadata) if metadata else None,
                "tag.tags": tags,
            }
        )

    @staticmethod
    def span(kind):
        return {"openinference.span.kind": kind.upper()}

    @staticmethod
    def usage(model, prompt, completion=None, cache_read=None, cache_write=None, reasoning=None, provider="openai"):
        return known(
            {
                "llm.model_name": model,
                "llm.provider": provider,
                "llm.token_count.prompt": prompt,
                "llm.token_count.completion": completion,
                "llm.token_count.total": prompt + (completion or 0),
                "llm.token_count.prompt_details.cache_read": cache_read,
                "llm.token_count.prompt_details.cache_write": cache_write,
                "llm.token_count.completion_details.reasoning": reasoning,
            }
        )

    @staticmethod
    def cost(prompt, completion):
        return {"llm.cost.prompt": prompt, "llm.cost.completion": completion, "llm.cost.total": prompt + completion}


class GenAI:
    """OpenTelemetry's semantic conventions: input includes what was cached."""

    @staticmethod
    def operation(name, model=None, provider="openai", response_model=None):
        return known(
            {
                "gen_ai.operation.name": name,
                "gen_ai.provider.name": provider,
                "gen_ai.request.model": model,
                "gen_ai.response.model": response_model,
            }
        )

    @staticmethod
    def usage(input=None, output=None, cache_read=None, cache_write=None, reasoning=None):
        return known(
            {
                "gen_ai.usage.input_tokens": input,
                "gen_ai.usage.output_tokens": output,
                "gen_ai.usage.cache_read.input_tokens": cache_read,
                "gen_ai.usage.cache_creation.input_tokens": cache_write,
                "gen_ai.usage.reasoning.output_tokens": reasoning,
            }
        )


class Langfuse:
    """Metadata is an attribute a key, each value in JSON; usage is JSON, in buckets that do not overlap."""

    @staticmethod
    def bound(user=None, session=None, metadata=None, tags=None, name=None):
        result = {"user.id": user, "session.id": session, "langfuse.trace.tags": tags, "langfuse.trace.name": name}
        result |= {f"langfuse.trace.metadata.{key}": json.dumps(value) for key, value in (metadata or {}).items()}
        return known(result)

    @staticmethod
    def observation(type, model=None, usage=None, cost=None, level=None):
        return known(
            {
                "langfuse.observation.type": type,
                "langfuse.observation.model.name": model,
                "langfuse.observation.usage_details": json.dumps(usage) if usage else None,
                "langfuse.observation.cost_details": json.dumps(cost) if cost else None,
                "langfuse.observation.level": level,
            }
        )


class Traceloop:
    """Metadata is an attribute a key, each value as it is. Older names of the figures."""

    @staticmethod
    def associated(workflow=None, **properties):
        result = {f"traceloop.association.properties.{key}": value for key, value in properties.items()}
        return known(result | {"traceloop.workflow.name": workflow})

    @staticmethod
    def span(kind):
        return {"traceloop.span.kind": kind}

    @staticmethod
    def usage(model, prompt, completion, cache_read=None, provider="OpenAI"):
        return known(
            {
                "llm.request.type": "chat",
                "gen_ai.system": provider,
                "gen_ai.request.model": model,
                "gen_ai.response.model": model,
                "gen_ai.usage.prompt_tokens": prompt,
                "gen_ai.usage.completion_tokens": completion,
                "llm.usage.total_tokens": prompt + completion,
                "gen_ai.usage.cache_read_input_tokens": cache_read,
            }
        )


def key_value_list(**values):
    return AnyValue(kvlist_value=KeyValueList(values=key_values(values)))
