import ArgumentParser

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print the completion script of a shell.",
        discussion: """
            bash:  martlet completion bash > /etc/bash_completion.d/martlet
            zsh:   martlet completion zsh > "${fpath[1]}/_martlet"
            fish:  martlet completion fish > ~/.config/fish/completions/martlet.fish
            As a kubectl plugin (kubectl 1.26 or newer), put this as kubectl_complete-martlet on the PATH:
              martlet completion kubectl
            """)

    enum Shell: String, CaseIterable, ExpressibleByArgument { case bash, zsh, fish, kubectl }

    @Argument(help: "bash, zsh, fish or kubectl.")
    var shell: Shell

    func run() throws {
        switch shell {
        case .bash: Console.print(Martlet.completionScript(for: .bash))
        case .zsh: Console.print(Martlet.completionScript(for: .zsh))
        case .fish: Console.print(Martlet.completionScript(for: .fish))
        case .kubectl: Console.print(Self.plugin)
        }
    }

    /// kubectl asks the plugin's completion program for one candidate a line and a directive at the end.
    private static let plugin = """
        #!/bin/sh
        # kubectl_complete-martlet: completion for `kubectl martlet`.
        for last do :; done
        case "$#" in
        1) printf '%s\\n' scan fix pss checks permissions completion | grep "^$1" || true ;;
        2) [ "$1" = pss ] && printf '%s\\n' plan simulate | grep "^$2" || true ;;
        esac
        case "$last" in
        -*) printf '%s\\n' --cluster --context --namespace --output --output-file --fail-on --strict --waivers --baseline \\
            --kubeconfig --help | grep -e "^$last" || true ;;
        esac
        echo :0
        """
}
