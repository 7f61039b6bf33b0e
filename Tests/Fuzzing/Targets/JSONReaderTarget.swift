import Foundation
import OTLP
import TestSupport

extension FuzzTarget {
  /// The OTLP/JSON reader: the first byte chooses the message, the rest is its text. What it reads is a message that has
  /// JSON, and that reads as the same again; what it refuses has a fault within the text.
  static let jsonReader = FuzzTarget(name: "jsonreader") { input in
    guard let choice = input.first else { return nil }
    let signal = Signal.allCases[Int(choice) % Signal.allCases.count]
    let text = Array(input.dropFirst())
    let reader = OTLPJSONReader()
    let message: [UInt8]
    do throws(OTLPJSONReader.Failure) {
      message = try read(text, signal, with: reader, limit: 1 << 20)
    } catch {
      return 0...text.count ~= error.offset ? nil : "a fault that is not in the text"
    }
    guard message.count <= 1 << 20 else { return "more came out than the limit allows" }
    guard isPlainJSON(text) else { return "it was read, and is no JSON" }
    guard let written = json(message, signal) else { return "what was read has no JSON" }
    guard let again = try? read(written, signal, with: reader, limit: 4 << 20) else { return "its JSON can't be read" }
    guard json(again, signal) == written else { return "read again it is something else" }
    guard LibprotobufC.accepts(again) || signal != .traces else { return "libprotobuf-c does not accept it" }
    guard signal == .traces else { return nil }
    return ReferenceIndex(message, rules: .forRandomTelemetry()) == nil ? "it is no well-formed request" : nil
  }

  /// In memory of exactly the size that was asked for.
  private static func read(
    _ text: [UInt8], _ signal: Signal, with reader: OTLPJSONReader, limit: Int
  ) throws(OTLPJSONReader.Failure) -> [UInt8] {
    var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 1)
    defer { memory.deallocate() }
    let padded = text + [UInt8](repeating: 0, count: OTLPJSONReader.margin)
    let outcome = padded.withUnsafeBytes { bytes in
      Result { () throws(OTLPJSONReader.Failure) in
        try reader.read(
          UnsafeRawBufferPointer(rebasing: bytes[..<text.count]), as: .request(signal), limit: limit
        ) { wanted in
          let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: wanted, alignment: 1)
          larger.copyMemory(from: UnsafeRawBufferPointer(memory))
          memory.deallocate()
          memory = larger
          return larger
        }
      }
    }
    return Array(memory[..<(try outcome.get())])
  }

  private static func json(_ message: [UInt8], _ signal: Signal) -> [UInt8]? {
    var text: [UInt8] = []
    let isWritten: Void? = try? message.withUnsafeBytes {
      try OTLPJSON.append(message: $0, signal: signal, to: &text)
    }
    return isWritten == nil ? nil : text
  }

  /// Whether Foundation takes it for JSON too. It is not asked about numbers with exponents, which it refuses where they are
  /// too large for it.
  private static func isPlainJSON(_ text: [UInt8]) -> Bool {
    let numbers = text.split { !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 | 0x20 == UInt8(ascii: "e")) }
    if numbers.contains(where: { $0.count > 15 || $0.contains { $0 | 0x20 == UInt8(ascii: "e") } }) { return true }
    return (try? JSONSerialization.jsonObject(with: Data(text))) != nil
  }
}
