// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CYAML

/// Reads the events of a YAML text; the one place that calls libyaml.
struct EventReader: ~Copyable {
    /// What stands in the text, in order.
    enum Event {
        case scalar(String, isPlain: Bool)
        case sequenceStart, sequenceEnd
        case mappingStart, mappingEnd
        case documentStart, documentEnd
        case streamStart, streamEnd
        /// An alias, anchor or tag, with the reason to give.
        case refused(String)
    }

    // libyaml keeps pointers into the parser, so it must not move.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: [UInt8]) throws(YAMLError) {
        parser = .allocate(capacity: 1)
        input = .allocate(capacity: bytes.count)
        _ = input.initialize(from: bytes)
        guard yaml_parser_initialize(parser) == 1 else {
            throw YAMLError(YAMLMark(line: 1, column: 1), "there is not enough memory to read it")
        }
        // Never by a byte order mark: everything else here is UTF-8 too.
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// Reads the next event and where it begins.
    func next() throws(YAMLError) -> (Event, YAMLMark) {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem }
        defer { yaml_event_delete(&event) }
        return (Self.read(event), Self.mark(event.start_mark))
    }

    private static func read(_ event: yaml_event_t) -> Event {
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            guard scalar.anchor == nil else { return .refused("anchors and aliases are not used here; write it out") }
            guard scalar.tag == nil else { return .refused("tags are not used here; remove it") }
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return .scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
        case YAML_SEQUENCE_START_EVENT:
            return start(.sequenceStart, event.data.sequence_start.anchor, event.data.sequence_start.tag)
        case YAML_MAPPING_START_EVENT:
            return start(.mappingStart, event.data.mapping_start.anchor, event.data.mapping_start.tag)
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_STREAM_END_EVENT: return .streamEnd
        default: return .refused("anchors and aliases are not used here; write it out")
        }
    }

    private static func start(
        _ event: Event,
        _ anchor: UnsafeMutablePointer<yaml_char_t>?,
        _ tag: UnsafeMutablePointer<yaml_char_t>?
    ) -> Event {
        if anchor != nil { return .refused("anchors and aliases are not used here; write it out") }
        return tag == nil ? event : .refused("tags are not used here; remove it")
    }

    private var problem: YAMLError {
        let state = parser.pointee
        let what = state.problem.map { String(cString: $0) } ?? "it cannot be read"
        guard state.error != YAML_READER_ERROR else {
            let before = input.prefix(state.problem_offset)
            let line = before.count { $0 == UInt8(ascii: "\n") } + 1
            let column = before.reversed().prefix { $0 != UInt8(ascii: "\n") }.count + 1
            return YAMLError(YAMLMark(line: line, column: column), what)
        }
        let context = state.context.map { " " + String(cString: $0) } ?? ""
        return YAMLError(Self.mark(state.problem_mark), what + context)
    }

    private static func mark(_ mark: yaml_mark_t) -> YAMLMark { YAMLMark(line: mark.line + 1, column: mark.column + 1) }
}
