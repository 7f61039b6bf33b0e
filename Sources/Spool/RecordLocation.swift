import Compression

/// A record's bytes in a file.
struct RecordLocation {
  /// Why a record's bytes can't be had.
  enum Fault: Error {
    /// They are not what was written.
    case corrupt(String)
    case unreadable(SpoolError)
  }

  let file: File
  let salt: UInt32
  let place: SpoolPlace
  let table: UnitTable?

  private var payloadOffset: Int {
    place.offset + RecordHeader.size + (table?.entries.count ?? 0) * UnitTable.entrySize
  }

  /// Reads a part of the payload, which is not checked against the record's checksum.
  func read(_ offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SpoolError) {
    let count = try file.read(into: buffer, at: payloadOffset + offset)
    guard count == buffer.count else { throw .system("\(file.path) ends too early") }
  }

  /// Reads the whole payload to the beginning of `memory`, and checks it.
  func readPayload(of sequence: UInt64, to memory: inout GrowingMemory) throws(Fault) -> UnsafeRawBufferPointer {
    let start = payloadOffset - place.offset
    let buffer = memory.buffer(start + place.length)
    do {
      guard try file.read(into: buffer, at: place.offset) == buffer.count else {
        throw Fault.corrupt("it ends too early")
      }
    } catch let error as SpoolError {
      throw .unreadable(error)
    } catch { throw .corrupt("it ends too early") }
    let bytes = UnsafeRawBufferPointer(buffer)
    guard let header = RecordHeader(bytes, salt: salt), header.sequence == sequence,
      header.payloadOffset == start, header.payloadLength == place.length
    else { throw .corrupt("its header is damaged") }
    let payload = bytes.part(from: start, count: place.length)
    guard Checksum.crc32(payload) == header.payloadChecksum else { throw .corrupt("its payload is damaged") }
    return payload
  }
}

/// Memory that is as large as the largest payload so far.
struct GrowingMemory: ~Copyable {
  private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 16)

  mutating func buffer(_ count: Int) -> UnsafeMutableRawBufferPointer {
    if memory.count < count {
      memory.deallocate()
      memory = .allocate(byteCount: count + count / 4, alignment: 16)
    }
    return UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
  }

  deinit { memory.deallocate() }
}
