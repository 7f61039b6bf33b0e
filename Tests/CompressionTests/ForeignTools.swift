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

/// One zstd frame, that says how much it holds or not.
func packZstd(_ data: Data, level: Int32 = 3, saysItsSize: Bool = true) throws -> Data {
  typealias Make = @convention(c) () -> OpaquePointer?
  typealias Free = @convention(c) (OpaquePointer?) -> Int
  typealias Set = @convention(c) (OpaquePointer?, Int32, Int32) -> Int
  typealias Compress =
    @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int) -> Int
  let library = "libzstd.so.1"
  let set = try function("ZSTD_CCtx_setParameter", of: library, as: Set.self)
  let context = try function("ZSTD_createCCtx", of: library, as: Make.self)()
  defer { _ = try? function("ZSTD_freeCCtx", of: library, as: Free.self)(context) }
  let (levelParameter, contentSizeFlag, checksumFlag): (Int32, Int32, Int32) = (100, 200, 201)
  _ = set(context, levelParameter, level)
  _ = set(context, contentSizeFlag, saysItsSize ? 1 : 0)
  _ = set(context, checksumFlag, 1)
  var packed = Data(count: data.count + data.count / 100 + 1000)
  let capacity = packed.count
  let compress = try function("ZSTD_compress2", of: library, as: Compress.self)
  let count = packed.withUnsafeMutableBytes { output in
    data.withUnsafeBytes { compress(context, output.baseAddress, capacity, $0.baseAddress, $0.count) }
  }
  guard 0...capacity ~= count else { throw ForeignLibraryError(code: count) }
  return packed.prefix(count)
}

/// A DEFLATE stream with nothing around it: what is between the header and the checksum of a zlib stream.
func packDeflate(_ data: Data) throws -> Data { Data(try packZlib(data).dropFirst(2).dropLast(4)) }

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

/// One of the inflaters.
typealias Inflater = (
  UnsafeRawBufferPointer, Int, (Int) -> UnsafeMutableRawBufferPointer
) throws(InflateError) -> Int

func inflate(_ packed: Data, limit: Int, with inflater: Inflater) throws -> Data {
  let memory = Memory()
  let count = try packed.withUnsafeBytes { bytes in try inflater(bytes, limit, memory.reserve) }
  return Data(memory.bytes.prefix(count))
}

func inflateGzip(_ packed: Data, limit: Int) throws -> Data { try inflate(packed, limit: limit, with: Inflate.gzip) }
func inflateZlib(_ packed: Data, limit: Int) throws -> Data { try inflate(packed, limit: limit, with: Inflate.zlib) }
func inflateZstd(_ packed: Data, limit: Int) throws -> Data { try inflate(packed, limit: limit, with: Inflate.zstd) }
func inflateDeflate(_ packed: Data, limit: Int) throws -> Data {
  try inflate(packed, limit: limit, with: Inflate.deflate)
}

extension Deflate {
  static func gzip(bytes: Data, level: Int) -> [UInt8] {
    bytes.withUnsafeBytes { gzip($0, level: level) }
  }
}
