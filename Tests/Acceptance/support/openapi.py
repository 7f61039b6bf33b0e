"""Answers of an HTTP API against the OpenAPI document that describes them."""

import re

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCUMENT = "urn:openapi"


class OpenAPI:
    def __init__(self, document):
        self.document = document
        resource = Resource(contents=document, specification=DRAFT202012)
        self.registry = Registry().with_resource(DOCUMENT, resource)
        self.asked = set()

    def faults(self, path, status, answer, method="get"):
        """What of the answer at this path the document does not allow, in words."""
        template = self._template(path)
        if template is None:
            return [f"{path} is not described"]
        self.asked.add(template)
        pointer = ["paths", template, method, "responses", str(status)]
        response = self._at(pointer)
        if response is None:
            return [f"{path}: {status} is not described"]
        if "$ref" in response:
            pointer = response["$ref"].removeprefix("#/").split("/")
        pointer += ["content", "application/json", "schema"]
        reference = "/".join(part.replace("~", "~0").replace("/", "~1") for part in pointer)
        reference = reference.replace("{", "%7B").replace("}", "%7D")
        validator = Draft202012Validator({"$ref": f"{DOCUMENT}#/{reference}"}, registry=self.registry)
        return [f"{path}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(answer)]

    def _template(self, path):
        """The path of the document that a path fits; one without parameters before one with them."""
        for template in sorted(self.document["paths"], key=lambda each: each.count("{")):
            parts = [".+" if part.startswith("{") else re.escape(part) for part in template.split("/")]
            if len(parts) == len(path.split("/")) and re.fullmatch("/".join(parts), path):
                return template
        return None

    def _at(self, pointer):
        found = self.document
        for part in pointer:
            if not isinstance(found, dict) or part not in found:
                return None
            found = found[part]
        return found
