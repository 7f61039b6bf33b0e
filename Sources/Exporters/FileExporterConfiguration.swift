/// `file`, with the Collector's keys and defaults.
package struct FileExporterConfiguration: Sendable, Equatable {
  package enum Format: String, Sendable, CaseIterable {
    /// A line of OTLP/JSON for each request.
    case json
    /// A big-endian length of four bytes, then the protobuf message.
    case proto
  }

  package var path: String
  package var format = Format.json
  /// Whether what is in the file stays. Without it, a file that is not rotated starts empty.
  package var append = false
  /// Nil for one file that grows.
  package var rotation: FileRotationConfiguration?
  /// Every message is compressed by itself (by the exporter's `compress`), and framed as in `proto`.
  package var isCompressed = false
  /// How long a message may stay in memory before it is written; zero writes each at once.
  package var flushInterval = Duration.seconds(1)
  package var createDirectory = false
  /// Permission bits of created directories.
  package var directoryPermissions: UInt32 = 0o755
  /// Requests and MiB that wait for the disk at most.
  package var queueSize = 1000
  package var queueMebibytes = 128

  package init(path: String) {
    self.path = path
  }

  /// Whether messages carry their length in front; otherwise they end with a line feed.
  var isLengthPrefixed: Bool { isCompressed || format == .proto }
}

/// `file::rotation`.
package struct FileRotationConfiguration: Sendable, Equatable {
  /// Size at which a file is put aside, in MiB.
  package var maxMegabytes = 100
  /// Days after which files that were put aside are deleted; 0 for never.
  package var maxDays = 0
  /// Files kept aside; 0 for all.
  package var maxBackups = 100
  /// Whether their names tell local time instead of UTC.
  package var localtime = false

  package init() {}
}
