/// Text that reads and compresses about like prompts and answers do, from a seed.
struct Words {
  private var random: RandomNumbers

  init(seed: UInt64) {
    random = RandomNumbers(seed: seed)
  }

  mutating func number(below bound: Int) -> Int {
    Int.random(in: 0..<bound, using: &random)
  }

  /// Letters and digits with no meaning, as ids have them.
  mutating func token(bytes: Int) -> String {
    String((0..<bytes).map { _ in Self.alphabet[number(below: Self.alphabet.count)] })
  }

  /// Words with spaces between, of exactly that many bytes.
  mutating func text(bytes: Int) -> String {
    var text = ""
    while text.utf8.count < bytes {
      text += Self.vocabulary[number(below: Self.vocabulary.count)]
      text += number(below: 9) == 0 ? ". " : " "
    }
    return String(text.prefix(bytes))
  }

  private static let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")

  private static let vocabulary = """
    the of and to in is you that it for on are with as your this be have from or one had by but not what all were when \
    we there can an which their if will each about how up out them then she many some so these would other into has \
    more two like him see time could no make than first been its who now people my made over did down only way find \
    use may water long little very after words called just where most know get through back much before go good new \
    write our used me man too any day same right look think also around another came come work three must because \
    does part even place well such here take why help put different away again off went old number great tell men say \
    small every found still between name should home big give air line set own under read last never us left end along \
    while might next sound below saw something thought both few those always show large often together asked house \
    customer invoice refund account policy handbook ticket delivery warranty password subscription renewal discount \
    shipment address payment contract support agent document answer question context tokens model summary request \
    billing plan region upgrade cancel confirm schedule meeting notes deadline project report analysis forecast revenue \
    database server cluster latency timeout retry queue deploy release version branch merge review function parameter
    """.split(separator: " ").map(String.init)
}
