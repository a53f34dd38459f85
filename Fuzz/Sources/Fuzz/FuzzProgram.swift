// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import CLibFuzzer
import Glibc

/// Hands inputs from libFuzzer to the target that the environment variable `FUZZ_TARGET` names.
///
/// One program for all targets, so that one link suffices. Arguments are libFuzzer's.
@main
enum FuzzProgram {
    static func main() {
        guard chosen != nil else {
            print("set FUZZ_TARGET to one of: \(FuzzTarget.all.map { $0.name }.joined(separator: " "))")
            exit(64)
        }
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        let result = LLVMFuzzerRunDriver(&count, &arguments) { start, count in
            FuzzProgram.chosen?.check(Array(UnsafeBufferPointer(start: start, count: count)))
            return 0
        }
        exit(result)
    }

    private static let chosen: FuzzTarget? = {
        guard let name = getenv("FUZZ_TARGET") else { return nil }
        return FuzzTarget.all.first { $0.name == String(cString: name) }
    }()
}
