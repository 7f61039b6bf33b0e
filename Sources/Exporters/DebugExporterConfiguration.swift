/// `debug`, with the Collector's keys and defaults.
package struct DebugExporterConfiguration: Sendable, Equatable {
  package enum Verbosity: String, Sendable, CaseIterable {
    /// A line for each request.
    case basic
    /// A line for each span, log record or metric.
    case normal
    /// Everything, as a tree.
    case detailed
  }

  package var verbosity = Verbosity.basic
  /// Requests of each second that are shown in any case.
  package var samplingInitial = 2
  /// Of the further ones, every one of so many is shown; 0 shows none.
  package var samplingThereafter = 1

  package init() {}
}
