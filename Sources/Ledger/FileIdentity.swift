import Glibc

/// Which file a path leads to: one that is deleted and made anew, or replaced, is another.
struct FileIdentity: Equatable {
  private let device: UInt
  private let inode: UInt

  /// nil without a file.
  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
  }
}
