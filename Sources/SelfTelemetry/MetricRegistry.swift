import Locks

/// Heirloom's own metrics, by name and labels, and their Prometheus text form.
///
/// Names are the OpenTelemetry Collector's (`otelcol_…`) where it has them, `heirloom_…` for identity.
package final class MetricRegistry: Sendable {
  package typealias Labels = [(name: String, value: String)]

  private enum Reading: Sendable {
    case counter(Counter)
    case gauge(@Sendable () -> Double)
  }

  private struct Series: Sendable {
    let labels: String
    let reading: Reading
    /// Of a gauge: the section that it belongs to.
    var section: ObjectIdentifier?
  }

  private struct Family: Sendable {
    let help: String
    let kind: String
    var series: [Series] = []
  }

  /// Shared by all sections.
  private let families: Locked<[String: Family]>

  package init() {
    families = Locked([:])
  }

  /// A section of another registry.
  private init(sectionOf registry: MetricRegistry) {
    families = registry.families
  }

  /// The same registry for components that end before it does: what they count goes on, and their gauges go when the
  /// section is withdrawn.
  package func section() -> MetricRegistry { MetricRegistry(sectionOf: self) }

  /// Removes the gauges that were registered here, but for those that others have replaced since. Not for the gauges of
  /// its sections.
  package func withdrawGauges() {
    let section = ObjectIdentifier(self)
    families.withLock { families in
      for (name, family) in families where family.series.contains(where: { $0.section == section }) {
        families[name]?.series.removeAll { $0.section == section }
        if families[name]?.series.isEmpty == true { families[name] = nil }
      }
    }
  }

  /// The counter of that name and those labels: the same one for every call.
  package func counter(_ name: String, help: String, labels: Labels = []) -> Counter {
    let text = Self.text(of: labels)
    return families.withLock { families in
      var family = families[name] ?? Family(help: help, kind: "counter")
      for series in family.series where series.labels == text {
        if case .counter(let known) = series.reading { return known }
      }
      let counter = Counter()
      family.series.append(Series(labels: text, reading: .counter(counter)))
      families[name] = family
      return counter
    }
  }

  /// A gauge that is read when somebody asks. A later one of the same name and labels replaces it.
  package func gauge(_ name: String, help: String, labels: Labels = [], read: @escaping @Sendable () -> Double) {
    let text = Self.text(of: labels)
    let section = ObjectIdentifier(self)
    families.withLock { families in
      var family = families[name] ?? Family(help: help, kind: "gauge")
      family.series.removeAll { $0.labels == text }
      family.series.append(Series(labels: text, reading: .gauge(read), section: section))
      families[name] = family
    }
  }

  /// The value of one series, for tests and for the summary at the end of a run; nil when it does not exist.
  package func value(_ name: String, labels: Labels = []) -> Double? {
    let text = Self.text(of: labels)
    let reading = families.withLock { $0[name]?.series.first { $0.labels == text }?.reading }
    return reading.map(Self.read)
  }

  /// Prometheus text exposition format 0.0.4, families in the order of their names.
  package func prometheusText() -> String {
    let snapshot = families.withLock { $0 }
    var text = ""
    for (name, family) in snapshot.sorted(by: { $0.key < $1.key }) {
      text += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind)\n"
      for series in family.series {
        text += "\(name)\(series.labels) \(Self.number(Self.read(series.reading)))\n"
      }
    }
    return text
  }

  private static func read(_ reading: Reading) -> Double {
    switch reading {
    case .counter(let counter): Double(counter.value)
    case .gauge(let read): read()
    }
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
  }

  private static func text(of labels: Labels) -> String {
    guard !labels.isEmpty else { return "" }
    return "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
  }

  /// By scalars: a line feed that makes one character with what stands beside it still ends a line.
  private static func escaped(_ value: String) -> String {
    var result = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
