import Configuration

/// `service: storage:`, where accepted requests are kept until they are done.
struct StorageConfig: Equatable {
  /// A path, relative to where the process was started.
  var directory = "heirloom-data/spool"
  /// How long accepted bytes may stay with the system before they are on the disk, with `durability: buffered`.
  var syncInterval = Duration.seconds(1)
  /// MiB that everything below the directory may take.
  var maxSpoolMiB = 10_240
  /// Where the directory was written, for what is wrong with it later.
  var position: Position

  init(_ section: ConfigSection) {
    position = section.position
    guard let storage = section.section("storage") else { return }
    position = storage.position(of: "directory")
    directory = storage.string("directory", default: directory)
    if directory.isEmpty { storage.error("directory", "must not be empty") }
    syncInterval = storage.duration(
      "sync_interval", default: syncInterval, in: .milliseconds(10) ... .seconds(60))
    maxSpoolMiB = storage.int("max_spool_mib", default: maxSpoolMiB, in: 1...1 << 30)
  }
}
