"""Holds real answers against /api/openapi.json."""

import jsonschema
import requests


def strict(schema):
    """The schema with no members but those that it names: an answer must not say more than its description."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: strict(part) for name, part in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        found["additionalProperties"] = False
    return found


class Description:
    def __init__(self, api):
        self.document = requests.get(api + "/api/openapi.json", timeout=10).json()
        self.components = {
            "schemas": {name: strict(schema) for name, schema in self.document["components"]["schemas"].items()}
        }

    def check(self, path, answer, method="get"):
        """The answer's body, if it is as the description says."""
        described = self.document["paths"][path][method]["responses"]
        assert str(answer.status_code) in described, (path, answer.status_code, answer.text)
        schema = described[str(answer.status_code)]["content"]["application/json"]["schema"]
        validator = jsonschema.Draft202012Validator({**strict(schema), "components": self.components})
        body = answer.json()
        wrong = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(body)]
        assert not wrong, (path, wrong)
        return body
