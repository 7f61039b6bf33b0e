import Locks
import SelfTelemetry
import Testing

struct MetricRegistryTests {
  @Test func `metrics are told once a family, in the order of names, series in the order of their making`() {
    let registry = MetricRegistry()
    registry.gauge("waiting", help: "Spans that wait.", labels: [("processor", "b")]) { 2 }
    registry.counter("spans", help: "Spans.", labels: [("receiver", "otlp/2"), ("transport", "http")]).add(7)
    registry.counter("spans", help: "Spans.", labels: [("receiver", "otlp"), ("transport", "http")]).add()
    registry.gauge("waiting", help: "Spans that wait.", labels: [("processor", "a")]) { 1 }
    _ = registry.counter("empty", help: "Nothing yet.")
    let text = """
      # HELP empty Nothing yet.
      # TYPE empty counter
      empty 0
      # HELP spans Spans.
      # TYPE spans counter
      spans{receiver="otlp/2",transport="http"} 7
      spans{receiver="otlp",transport="http"} 1
      # HELP waiting Spans that wait.
      # TYPE waiting gauge
      waiting{processor="b"} 2
      waiting{processor="a"} 1

      """
    #expect(registry.prometheusText() == text)
    #expect(registry.prometheusText() == text)
  }

  @Test func `the gauges of a section go with it, unless others have replaced them; its counters go on`() {
    let registry = MetricRegistry()
    registry.gauge("uptime", help: "Seconds.") { 1 }
    let old = registry.section()
    old.counter("spans", help: "Spans.").add(3)
    old.gauge("waiting", help: "Waiting.", labels: [("pipeline", "a")]) { 1 }
    old.gauge("waiting", help: "Waiting.", labels: [("pipeline", "b")]) { 2 }
    old.gauge("gone", help: "Gone.") { 3 }
    let new = registry.section()
    new.counter("spans", help: "Spans.").add(4)
    new.gauge("waiting", help: "Waiting.", labels: [("pipeline", "b")]) { 5 }
    old.withdrawGauges()
    #expect(registry.value("spans") == 7)
    #expect(registry.value("uptime") == 1)
    #expect(registry.value("waiting", labels: [("pipeline", "a")]) == nil)
    #expect(registry.value("waiting", labels: [("pipeline", "b")]) == 5)
    #expect(!registry.prometheusText().contains("gone"))
    new.withdrawGauges()
    #expect(!registry.prometheusText().contains("waiting"))
    #expect(new.value("uptime") == 1)
  }

  @Test func `a registry without metrics has no text`() {
    #expect(MetricRegistry().prometheusText() == "")
  }

  @Test(arguments: [
    (0.0, "0"), (12, "12"), (-3, "-3"), (0.5, "0.5"), (-0.25, "-0.25"), (1e14, "100000000000000"), (1e300, "1e+300"),
    (0.000001, "1e-06"),
  ])
  func `whole numbers have no fraction, and others all their digits`(value: Double, text: String) {
    let registry = MetricRegistry()
    registry.gauge("g", help: "G.") { value }
    #expect(registry.prometheusText().hasSuffix("\ng \(text)\n"))
    #expect(Double(text) == value)
  }

  @Test(arguments: [
    ("a\"b", #"a\"b"#), ("a\\b", #"a\\b"#), ("a\nb", #"a\nb"#), ("a\r\nb", "a\r\\nb"), ("ä€😀", "ä€😀"), ("", ""),
    // A mark that joins the character before it hides neither.
    ("a\"\u{301}b", "a\\\"\u{301}b"), ("a\n\u{301}b", "a\\n\u{301}b"),
  ])
  func `label values can't end themselves or their line`(value: String, escaped: String) {
    let registry = MetricRegistry()
    registry.counter("c", help: "C.", labels: [("l", value)]).add(3)
    #expect(registry.prometheusText() == "# HELP c C.\n# TYPE c counter\nc{l=\"\(escaped)\"} 3\n")
    #expect(registry.prometheusText().utf8.count { $0 == UInt8(ascii: "\n") } == 3)
    #expect(registry.value("c", labels: [("l", value)]) == 3)
  }

  @Test func `the same name and labels are the same counter, others are others`() {
    let registry = MetricRegistry()
    let one = registry.counter("c", help: "C.", labels: [("a", "1")])
    #expect(registry.counter("c", help: "C.", labels: [("a", "1")]) === one)
    #expect(registry.counter("c", help: "C.", labels: [("a", "2")]) !== one)
    #expect(registry.counter("c", help: "C.") !== one)
    #expect(registry.counter("d", help: "D.", labels: [("a", "1")]) !== one)
  }

  @Test func `a later gauge replaces the one of the same name and labels`() {
    let registry = MetricRegistry()
    registry.gauge("g", help: "G.", labels: [("a", "1")]) { 1 }
    registry.gauge("g", help: "G.", labels: [("a", "2")]) { 2 }
    registry.gauge("g", help: "G.", labels: [("a", "1")]) { 3 }
    #expect(registry.prometheusText() == "# HELP g G.\n# TYPE g gauge\ng{a=\"2\"} 2\ng{a=\"1\"} 3\n")
  }

  @Test func `values are found by name and labels`() {
    let registry = MetricRegistry()
    registry.counter("c", help: "C.", labels: [("a", "1")]).add(5)
    registry.gauge("g", help: "G.") { 0.5 }
    #expect(registry.value("c", labels: [("a", "1")]) == 5)
    #expect(registry.value("g") == 0.5)
    #expect(registry.value("c") == nil)
    #expect(registry.value("c", labels: [("a", "2")]) == nil)
    #expect(registry.value("nothing") == nil)
  }

  @Test func `a gauge is read at the moment of asking, and may ask the registry itself`() {
    let registry = MetricRegistry()
    let counter = registry.counter("c", help: "C.")
    registry.gauge("twice", help: "Twice c.") { (registry.value("c") ?? 0) * 2 }
    counter.add(4)
    #expect(registry.value("twice") == 8)
    counter.add()
    #expect(registry.prometheusText().hasSuffix("\ntwice 10\n"))
  }

  @Test func `what many threads add is all there, whoever made the counter`() {
    let registry = MetricRegistry()
    let gauge = Gauge()
    registry.gauge("level", help: "Level.") { Double(gauge.value) }
    let threads = (0..<8).map { thread in
      BackgroundThread(name: "adder") {
        for round in 0..<2_000 {
          registry.counter("sum", help: "Sum.", labels: [("half", String(thread % 2))]).add(round % 3)
          gauge.add(round % 2 == 0 ? 5 : -4)
          if round % 500 == 0 { _ = registry.prometheusText() }
        }
      }
    }
    for thread in threads { thread.join() }
    let each = (0..<2_000).reduce(0) { $0 + $1 % 3 }
    for half in ["0", "1"] { #expect(registry.value("sum", labels: [("half", half)]) == Double(4 * each)) }
    #expect(registry.value("level") == 8_000)
  }

  @Test func `a gauge says what it is after each change`() {
    let gauge = Gauge()
    #expect(gauge.add(5) == 5)
    #expect(gauge.add(-7) == -2)
    gauge.set(40)
    #expect(gauge.value == 40)
  }
}
