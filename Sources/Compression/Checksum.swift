import CCompression

/// CRC-32 as gzip stores it: finds what a disk or a crash did to bytes, not what somebody did on purpose.
package enum Checksum {
  /// The checksum of bytes that come after others, whose checksum is `previous`; 0 when there are none.
  package static func crc32(_ bytes: UnsafeRawBufferPointer, after previous: UInt32 = 0) -> UInt32 {
    ccompression_crc32(previous, bytes.baseAddress, bytes.count)
  }
}
