import Compression
import Foundation

/// What other people's programs and libraries make of the same bytes.
struct ForeignLibraryError: Error {
  let code: Int
}

/// Output of a program that reads its standard input to the end.
func run(_ program: String, _ arguments: [String], input: Data) throws -> Data {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [program] + arguments
  let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try input.write(to: file)
  defer { try? FileManager.default.removeItem(at: file) }
  let output = Pipe()
  process.standardInput = try FileHandle(forReadingFrom: file)
  process.standardOutput = output
  try process.run()
  let result = try output.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else { throw ForeignLibraryError(code: Int(process.terminationStatus)) }
  return result
}

/// A function of a library that the tests look up for themselves, so that they do not lean on our own shims.
private func function<Signature>(_ name: String, of library: String, as: Signature.Type) throws -> Signature {
  guard let handle = dlopen(library, RTLD_NOW), let symbol = dlsym(handle, name) else {
    throw ForeignLibraryError(code: -1)
  }
  return unsafeBitCast(symbol, to: Signature.self)
}

func packZlib(_ data: Data) throws -> Data {
  typealias Compress =
    @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt>, UnsafeRawPointer?, UInt) ->
    Int32
  let compress = try function("compress", of: "libz.so.1", as: Compress.self)
  var count = UInt(data.count + data.count / 100 + 100)
  var packed = Data(count: Int(count))
  let status = packed.withUnsafeMutableBytes { output in
    data.withUnsafeBytes { compress(output.baseAddress, &count, $0.baseAddress, UInt($0.count)) }
  }
  guard status == 0 else { throw ForeignLibraryError(code: Int(status)) }
  return packed.prefix(Int(count))
}

func unpackZstd(_ packed: [UInt8], capacity: Int) throws -> Data {
  typealias Decompress = @convention(c) (UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int) -> Int
  let decompress = try function("ZSTD_decompress", of: "libzstd.so.1", as: Decompress.self)
  var content = Data(count: capacity + 1)
  let count = content.withUnsafeMutableBytes { decompress($0.baseAddress, capacity, packed, packed.count) }
  // Errors are small negative numbers, seen as sizes: huge ones.
  guard 0...capacity ~= count else { throw ForeignLibraryError(code: count) }
  return content.prefix(count)
}

/// The simplest memory that `Inflate` can write to.
final class Memory {
  private(set) var bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 1)

  func reserve(_ capacity: Int) -> UnsafeMutableRawBufferPointer {
    if bytes.count < capacity {
      let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
      larger.copyMemory(from: UnsafeRawBufferPointer(bytes))
      bytes.deallocate()
      bytes = larger
    }
    return bytes
  }

  deinit {
    bytes.deallocate()
  }
}

func inflateGzip(_ packed: Data, limit: Int) throws -> Data {
  let memory = Memory()
  let count = try packed.withUnsafeBytes { bytes in
    try Inflate.gzip(bytes, limit: limit, reserve: memory.reserve)
  }
  return Data(memory.bytes.prefix(count))
}

func inflateZlib(_ packed: Data, limit: Int) throws -> Data {
  let memory = Memory()
  let count = try packed.withUnsafeBytes { bytes in
    try Inflate.zlib(bytes, limit: limit, reserve: memory.reserve)
  }
  return Data(memory.bytes.prefix(count))
}

extension Deflate {
  static func gzip(bytes: Data, level: Int) -> [UInt8] {
    bytes.withUnsafeBytes { gzip($0, level: level) }
  }
}
