"""Random OTLP requests in JSON, spelled in the many ways that may be met, each with what Python's protobuf reads in it.

Usage: json_spellings.py SEED COUNT. Writes COUNT lines, each a JSON object: signal, text (base64 of the JSON) and expected
(OTLP/JSON as this project writes it). A number may be a string, have a fraction of zeros or an exponent; a field may have
its name in lowerCamelCase or as it stands in proto/, members any order; ids any case, base64 either alphabet, padded or not;
enums by number or name; escapes and blanks stand where JSON lets them; nulls, empty lists and fields that OTLP does not have
stand between. What the text means is said by Python's own parser, once ids are in base64, as plain ProtoJSON has them.
"""

import base64
import json
import random
import struct
import sys

from google.protobuf import descriptor, json_format
from json_oracle import ID_NAMES, KINDS, Writer, with_hex_ids

Field = descriptor.FieldDescriptor
WIDE = {Field.TYPE_INT64, Field.TYPE_UINT64, Field.TYPE_FIXED64, Field.TYPE_SFIXED64, Field.TYPE_SINT64}
SHORT_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
BLANKS = ["", "", "", "", " ", "\n\t", "\r\n  "]


class Speller:
    """Spells messages, with ids as OTLP writes them or, the same otherwise, as Python's protobuf reads them."""

    def __init__(self, seed, ids_in_hex):
        self.random = random.Random(seed)
        self.ids_in_hex = ids_in_hex

    def blank(self):
        return self.random.choice(BLANKS)

    def escaped(self, character):
        choice = self.random.random()
        if character in SHORT_ESCAPES and choice < 0.7:
            return "\\" + SHORT_ESCAPES[character]
        if character >= " " and character not in '"\\' and choice < 0.9:
            return character
        units = struct.unpack(f">{len(character.encode('utf-16-be')) // 2}H", character.encode("utf-16-be"))
        return "".join("\\u" + self.random.choice(["%04x", "%04X"]) % unit for unit in units)

    def string(self, text):
        return '"' + "".join(self.escaped(character) for character in text) + '"'

    def quoted(self, text):
        return f'"{text}"' if self.random.random() < 0.5 else text

    def integer(self, value, field):
        style = self.random.random()
        if style < 0.15:
            # Python reads these as doubles.
            exact = abs(value) < 1 << 53
            if exact and style < 0.05:
                return f"{value}.0"
            if exact and value % 100 == 0 and style < 0.1:
                return f"{value // 100}{self.random.choice(['e', 'E'])}{self.random.choice(['', '+'])}2"
            if exact and value and style < 0.12:
                return f"{value}0{self.random.choice(['e-1', 'E-01'])}"
        return self.quoted(str(value))

    def double(self, value):
        if value != value:
            return '"NaN"'
        if value in (float("inf"), float("-inf")):
            return '"Infinity"' if value > 0 else '"-Infinity"'
        shapes = [repr(value), f"{value:.17g}", f"{value:.25e}"]
        return self.quoted(self.random.choice(shapes))

    def data(self, value, field):
        if field.name in {"trace_id", "span_id", "parent_span_id"}:
            cased = "".join(self.random.choice([c.lower(), c.upper()]) for c in value.hex())
            return f'"{cased}"' if self.ids_in_hex else f'"{base64.b64encode(value).decode()}"'
        text = base64.b64encode(value).decode()
        if self.random.random() < 0.5:
            text = text.replace("+", "-").replace("/", "_")
        if self.random.random() < 0.5:
            text = text.rstrip("=")
        return '"' + (text.replace("/", "\\/") if self.random.random() < 0.5 else text) + '"'

    def scalar(self, value, field):
        if field.type == Field.TYPE_STRING:
            return self.string(value)
        if field.type == Field.TYPE_BYTES:
            return self.data(value, field)
        if field.type == Field.TYPE_DOUBLE:
            return self.double(value)
        if field.type == Field.TYPE_BOOL:
            return "true" if value else "false"
        if field.type == Field.TYPE_ENUM:
            named = field.enum_type.values_by_number.get(value)
            return f'"{named.name}"' if named and self.random.random() < 0.3 else str(value)
        return self.integer(value, field)

    def listed(self, elements, brackets):
        between = "," if elements else ""
        parts = (between).join(self.blank() + element + self.blank() for element in elements)
        return brackets[0] + (parts or self.blank()) + brackets[1]

    def unknown(self, depth=0):
        shapes = ['"x"', "1", "-0.5e-7", "true", "false", "null", "[]", "{}", '"\\ud83d\\ude00"']
        if depth < 4 and self.random.random() < 0.5:
            inner = [self.unknown(depth + 1) for _ in range(self.random.randrange(3))]
            if self.random.random() < 0.5:
                return self.listed(inner, "[]")
            return self.listed([f'"{n}":{value}' for n, value in enumerate(inner)], "{}")
        return self.random.choice(shapes)

    def key(self, field):
        name = field.json_name if self.random.random() < 0.8 else field.name
        if self.random.random() < 0.05:
            place = self.random.randrange(len(name))
            name = name[:place] + f"\\u{ord(name[place]):04x}" + name[place + 1 :]
        return f'"{name}"'

    def message(self, message):
        members = []
        present = {field.name for field, _ in message.ListFields()}
        for field, value in message.ListFields():
            if field.type == Field.TYPE_MESSAGE:
                text = self.listed([self.message(v) for v in value], "[]") if field.is_repeated else self.message(value)
            elif field.is_repeated:
                text = self.listed([self.scalar(v, field) for v in value], "[]")
            else:
                text = self.scalar(value, field)
            members.append((self.key(field), text))
        for field in message.DESCRIPTOR.fields:
            if field.name in present or self.random.random() > 0.1:
                continue
            # Says nothing: null, an empty list, or a default where that is not the message.
            if field.is_repeated:
                members.append((self.key(field), self.random.choice(["null", "[]"])))
            elif field.type != Field.TYPE_MESSAGE and not field.has_presence:
                default = "0" if field.type == Field.TYPE_ENUM else self.scalar(field.default_value, field)
                members.append((self.key(field), self.random.choice(["null", default])))
            else:
                members.append((self.key(field), "null"))
        if self.random.random() < 0.2:
            members.append((f'"{self.random.choice(["other", "trace", "", "spansX", "_"])}"', self.unknown()))
        self.random.shuffle(members)
        return self.listed([key + self.blank() + ":" + self.blank() + text for key, text in members], "{}")


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    writer = Writer(seed, for_libprotobuf_c=False)
    for index in range(count):
        signal = list(KINDS)[index % len(KINDS)]
        kind = KINDS[signal]
        message = kind.FromString(b"".join(writer.fields(kind.DESCRIPTOR, 0)))
        # Twice the same choices, but for the ids.
        text = Speller(f"{seed} {index}", ids_in_hex=True).message(message)
        plain = Speller(f"{seed} {index}", ids_in_hex=False).message(message)
        read = json_format.Parse(plain, kind(), ignore_unknown_fields=True)
        mapped = json_format.MessageToDict(read, use_integers_for_enums=True)
        line = {
            "signal": signal,
            "text": base64.b64encode(text.encode()).decode(),
            "expected": with_hex_ids(mapped),
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
