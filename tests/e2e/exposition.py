"""The text format of Prometheus, version 0.0.4, read as strictly as it is written down."""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ([0-9]+(?:\.[0-9]+)?)")
SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def unescaped(text):
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)


class Page:
    """What a page says; fails the test where the format, or a convention, is not kept."""

    def __init__(self, text):
        self.samples, self.types = {}, {}
        name = kind = None
        assert text.endswith("\n")
        for line in text[:-1].split("\n"):
            if found := re.fullmatch(rf"# HELP ({NAME}) (\S.*)", line):
                name, kind = found[1], None
                assert name not in self.types, line
            elif found := re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge|histogram)", line):
                assert found[1] == name and kind is None, line
                kind = self.types[name] = found[2]
                assert name.endswith("_total") == (kind == "counter"), line
            else:
                found = SAMPLE.fullmatch(line)
                assert found and kind, line
                assert found[1] in [name + suffix for suffix in SUFFIXES[kind]], line
                labels = tuple((key, unescaped(value))
                               for key, value in re.findall(LABEL, found[2] or ""))
                assert len(dict(labels)) == len(labels), line
                key = (found[1], frozenset(labels))
                assert key not in self.samples, line
                self.samples[key] = float(found[found.lastindex])
        for name, kind in self.types.items():
            if kind == "histogram":
                self.check_histogram(name)

    def check_histogram(self, name):
        buckets = [(float(dict(labels)["le"]), value) for (sample, labels), value
                   in self.samples.items() if sample == name + "_bucket"]
        assert buckets == sorted(buckets) and buckets[-1][0] == float("inf")
        assert [value for _, value in buckets] == sorted(value for _, value in buckets)
        assert buckets[-1][1] == self.value(name + "_count")

    def value(self, name, **labels):
        """0 of what was not counted yet."""
        return self.samples.get((name, frozenset(labels.items())), 0)

    def sum(self, name, **labels):
        """Of all samples that have these labels."""
        return sum(value for (sample, found), value in self.samples.items()
                   if sample == name and found >= frozenset(labels.items()))
