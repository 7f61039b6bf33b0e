/// How providers of models are called in telemetry. All names are in lowercase.
enum ProviderNames {
  static let aws = Array("aws".utf8)

  /// The id of a provider in the built-in table, for a name that its own patterns don't know; else the name as it is.
  static func id(for name: [UInt8]) -> [UInt8] {
    if let id = ids[name] { return id }
    // `azure_openai`, `azure.ai.openai`, `az.ai.inference`: what Azure sells has its own prices, and OpenAI's else.
    let azure = Array("azure".utf8)
    return name.starts(with: azure) || name.starts(with: Array("az.".utf8)) ? azure : name
  }

  private static let ids = pairs([
    "x_ai": "x-ai", "xai": "x-ai", "fireworks_ai": "fireworks", "fireworks-ai": "fireworks", "together.ai": "together",
    "togetherai": "together", "z-ai": "zai", "z_ai": "zai", "z.ai": "zai", "zai-org": "zai", "voyage": "voyageai",
    "perplexity_ai": "perplexity", "perplexity-ai": "perplexity", "deepseek-ai": "deepseek", "deepseek_ai": "deepseek",
    "minimaxai": "minimax",
  ])

  /// Whether a name stands for software that runs models on the caller's own machines: nobody sells these tokens, whatever
  /// the models are called.
  static func isSelfHosted(_ name: [UInt8]) -> Bool {
    selfHosted.contains(name)
  }

  private static let selfHosted = Set(
    [
      "ollama", "ollama_chat", "vllm", "hosted_vllm", "llama.cpp", "llama_cpp", "llamacpp", "llamafile", "lmstudio",
      "lm_studio",
      "localai", "sglang", "transformers",
    ].map { Array($0.utf8) })

  /// Providers whose models have names that nobody else's have, of those that are asked for any name.
  static let unmistakable = ["openai", "cohere", "mistral"].map { Array($0.utf8) }

  /// Reads Bedrock's spelling of a model, `us.anthropic.claude-3-5-sonnet-20241022-v2:0`: who made it, and how he calls it.
  static func bedrock(_ model: [UInt8]) -> (vendor: [UInt8], model: [UInt8])? {
    let dot = UInt8(ascii: ".")
    var rest = model[...]
    for _ in 0..<2 {
      guard let end = rest.firstIndex(of: dot) else { return nil }
      let part = Array(rest[..<end])
      rest = rest[(end + 1)...]
      if let vendor = vendors[part] { return (vendor, withoutVersion(Array(rest))) }
    }
    return nil
  }

  private static let vendors = pairs([
    "anthropic": "anthropic", "openai": "openai", "mistral": "mistral", "cohere": "cohere", "deepseek": "deepseek",
    "amazon": "aws", "meta": "aws", "moonshotai": "moonshotai", "google": "google", "zai": "zai", "minimax": "minimax",
    "qwen": "aws", "writer": "aws", "nvidia": "aws",
  ])

  /// Without `-v2:0` at the end.
  private static func withoutVersion(_ model: [UInt8]) -> [UInt8] {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    var end = model.endIndex
    if let colon = model.lastIndex(of: UInt8(ascii: ":")), model[(colon + 1)...].allSatisfy({ digits ~= $0 }) {
      end = colon
    }
    let version = model[..<end].reversed().prefix { digits ~= $0 }.count
    let mark = end - version - 2
    guard version > 0, mark > 0, model[mark] == UInt8(ascii: "-"), model[mark + 1] == UInt8(ascii: "v") else {
      return Array(model[..<end])
    }
    return Array(model[..<mark])
  }

  private static func pairs(_ texts: [String: String]) -> [[UInt8]: [UInt8]] {
    var pairs: [[UInt8]: [UInt8]] = [:]
    for (key, value) in texts { pairs[Array(key.utf8)] = Array(value.utf8) }
    return pairs
  }
}
