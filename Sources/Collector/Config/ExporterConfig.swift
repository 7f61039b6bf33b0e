import Configuration
import Exporters
import Rewriting

/// One exporter's keys.
struct ExporterConfig {
  let destination: Destination
  /// What it changes before anything leaves: keys that every exporter has.
  let rewriting: RewritingConfiguration

  /// Where it brings requests, by its type.
  enum Destination {
    case otlpHTTP(OTLPHTTPExporterConfiguration, RequestCompression?)
    case otlpGRPC(OTLPGRPCExporterConfiguration, RequestCompression?)
    case file(FileExporterConfiguration)
    case debug(DebugExporterConfiguration)
  }

  /// - Parameters:
  ///   - type: one of the catalog's exporters.
  ///   - section: its keys.
  init?(_ type: String, _ section: ConfigSection) {
    rewriting = RewritingConfiguration(section)
    switch type {
    case "otlp_http": destination = Self.otlpHTTP(section)
    case "otlp_grpc": destination = Self.otlpGRPC(section)
    case "file": destination = .file(Self.file(section))
    case "debug": destination = .debug(Self.debug(section))
    default: return nil
    }
  }

  private enum FileCompression: String, CaseIterable {
    case zstd
  }

  private static func file(_ section: ConfigSection) -> FileExporterConfiguration {
    section.require("path")
    var configuration = FileExporterConfiguration(path: section.string("path", default: ""))
    configuration.format = section.choice(
      "format", of: FileExporterConfiguration.Format.self, default: configuration.format)
    configuration.append = section.bool("append", default: configuration.append)
    configuration.flushInterval = section.duration("flush_interval", default: configuration.flushInterval)
    configuration.createDirectory = section.bool("create_directory", default: configuration.createDirectory)
    if let permissions = section.string("directory_permissions") {
      if let bits = UInt32(permissions, radix: 8), bits <= 0o7777 {
        configuration.directoryPermissions = bits
      } else {
        section.error("directory_permissions", "expected octal permissions like \"0755\", found \"\(permissions)\"")
      }
    }
    configuration.isCompressed = section.choice("compression", of: FileCompression.self) != nil
    if configuration.isCompressed, configuration.append {
      section.error("append", "cannot be combined with compression")
    }
    if let rotation = section.section("rotation") {
      var limits = FileRotationConfiguration()
      limits.maxMegabytes = rotation.int("max_megabytes", default: limits.maxMegabytes, in: 1...1 << 30)
      limits.maxDays = rotation.int("max_days", default: limits.maxDays)
      limits.maxBackups = rotation.int("max_backups", default: limits.maxBackups)
      limits.localtime = rotation.bool("localtime", default: limits.localtime)
      configuration.rotation = limits
    }
    section.knownButUnsupported(["group_by", "encoding", "compression_params"])
    return configuration
  }

  private static func debug(_ section: ConfigSection) -> DebugExporterConfiguration {
    var configuration = DebugExporterConfiguration()
    configuration.verbosity = section.choice(
      "verbosity", of: DebugExporterConfiguration.Verbosity.self, default: configuration.verbosity)
    configuration.samplingInitial = section.int("sampling_initial", default: configuration.samplingInitial)
    configuration.samplingThereafter = section.int("sampling_thereafter", default: configuration.samplingThereafter)
    section.knownButUnsupported(["use_internal_logger", "output_paths", "sending_queue"])
    return configuration
  }
}
