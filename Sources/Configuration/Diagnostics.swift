/// A place in what the operator wrote: a file, an environment variable or an argument, and where in it.
package struct Position: Sendable, Hashable, CustomStringConvertible {
  /// The file's path as given, or a name such as `env:NAME` or `--set a.b`.
  package let source: String
  /// Lines from 1; 0 when the source as a whole is meant.
  package let line: Int
  /// Characters (Unicode scalars) from 1; 0 when the source as a whole is meant.
  package let column: Int

  package init(source: String, line: Int = 0, column: Int = 0) {
    self.source = source
    self.line = line
    self.column = column
  }

  package var description: String {
    line > 0 ? "\(source):\(line):\(column)" : source
  }
}

/// One problem of a configuration, as a person reads it: `file.yaml:12:5: error: …`.
package struct Diagnostic: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Severity: String, Sendable {
    /// The configuration must not be run.
    case error
    /// Heirloom goes on, though perhaps not as the author meant.
    case warning
  }

  package let severity: Severity
  package let position: Position
  package let message: String

  package init(_ severity: Severity, at position: Position, _ message: String) {
    self.severity = severity
    self.position = position
    self.message = message
  }

  package var description: String { "\(position): \(severity.rawValue): \(message)" }
}

/// Collects every problem of a configuration, so that one look shows all of them.
package final class Diagnostics {
  /// In the order in which they were found.
  package private(set) var all: [Diagnostic] = []
  private var seen: Set<Diagnostic> = []

  package init() {}

  /// Takes a problem, unless it is known: what an alias repeats has its problems once.
  package func report(_ diagnostic: Diagnostic) {
    if seen.insert(diagnostic).inserted { all.append(diagnostic) }
  }

  package func error(at position: Position, _ message: String) {
    report(Diagnostic(.error, at: position, message))
  }

  package func warning(at position: Position, _ message: String) {
    report(Diagnostic(.warning, at: position, message))
  }

  package var errors: [Diagnostic] { all.filter { $0.severity == .error } }
  package var warnings: [Diagnostic] { all.filter { $0.severity == .warning } }
  package var hasErrors: Bool { all.contains { $0.severity == .error } }
}
