import Glibc

/// Names and ages of files that were put aside: `spans.jsonl` becomes `spans-2026-01-31T12-00-00.000.jsonl`.
struct FileRotation {
  private let directory: String
  private let prefix: String
  private let suffix: String
  private let usesLocalTime: Bool

  init(path: String, usesLocalTime: Bool) {
    let name = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    directory = String(path.dropLast(name.count))
    // A dot at the beginning hides a file; it starts no extension.
    let dot = name.lastIndex(of: ".").flatMap { $0 == name.startIndex ? nil : $0 } ?? name.endIndex
    prefix = String(name[..<dot]) + "-"
    suffix = String(name[dot...])
    self.usesLocalTime = usesLocalTime
  }

  /// Renames the file at `path` to the first name that is free, from `now` on. One that somebody else has moved away is
  /// aside already.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - now: milliseconds since 1970.
  /// - Throws: `FileError`.
  func putAside(_ path: String, now: Int) throws(FileError) {
    var time = now
    var name = backupName(time)
    while access(name, F_OK) == 0 {
      time += 1
      name = backupName(time)
    }
    guard rename(path, name) == 0 || errno == ENOENT else { throw FileError("rename", path) }
  }

  /// Deletes the oldest files that were put aside, beyond a number and an age.
  ///
  /// - Parameters:
  ///   - maxBackups: files that stay; 0 for all.
  ///   - maxDays: days that they stay; 0 for ever.
  ///   - now: milliseconds since 1970.
  /// - Throws: `FileError`.
  func prune(maxBackups: Int, maxDays: Int, now: Int) throws(FileError) {
    guard maxBackups > 0 || maxDays > 0 else { return }
    let newestFirst = try backups().sorted(by: >)
    let oldestStamp = stamp(now - min(maxDays, 1_000_000) * 86_400_000)
    for (index, name) in newestFirst.enumerated() {
      let isOverNumber = maxBackups > 0 && index >= maxBackups
      let isOverAge = maxDays > 0 && name.dropFirst(prefix.count).prefix(oldestStamp.count) < oldestStamp
      guard isOverNumber || isOverAge else { continue }
      guard unlink(directory + name) == 0 || errno == ENOENT else { throw FileError("delete", directory + name) }
    }
  }

  private func backupName(_ milliseconds: Int) -> String {
    directory + prefix + stamp(milliseconds) + suffix
  }

  /// Names of the files put aside; equal lengths make their order the order of their times.
  private func backups() throws(FileError) -> [String] {
    let path = directory.isEmpty ? "." : directory
    guard let listing = opendir(path) else { throw FileError("list", path) }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if isBackup(name) { names.append(name) }
    }
    return names
  }

  private func isBackup(_ name: String) -> Bool {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix), name.utf8.count > prefix.utf8.count + suffix.utf8.count
    else { return false }
    let shape = name.dropFirst(prefix.count).dropLast(suffix.count).map { $0.isASCII && $0.isNumber ? "0" : $0 }
    return String(shape) == "0000-00-00T00-00-00.000"
  }

  private func stamp(_ milliseconds: Int) -> String {
    var seconds = milliseconds / 1000
    var parts = tm()
    if usesLocalTime { localtime_r(&seconds, &parts) } else { gmtime_r(&seconds, &parts) }
    func padded(_ value: some BinaryInteger, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))T"
      + "\(padded(parts.tm_hour, 2))-\(padded(parts.tm_min, 2))-\(padded(parts.tm_sec, 2))"
      + ".\(padded(milliseconds % 1000, 3))"
  }
}
