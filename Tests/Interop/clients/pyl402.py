"""pyl402: repeats the scheme's name in the header from its second request on."""

from pyl402.client.l402 import L402Client
from pyl402.token_store.token_store import MemoryTokenStore, Token
from pyl402.wallet.wallet import PaymentResult, Wallet

from clients.driver import Task, report, seen

task = Task.read()
paid = []


class Payer(Wallet):
    def pay_invoice(self, invoice):
        paid.append(task.pay(invoice))
        return PaymentResult(paid[-1], True)


store = MemoryTokenStore()
client = L402Client(wallet=Payer(), store=store, timeout=30)


def get():
    answer = client.get(task["profile"])
    return seen(answer.status_code, answer.json())


answers = [get(), get()]
healed = {}
for name, (macaroon, preimage) in task["planted"].items():
    store.put(task["profile"], Token(f"L402 {macaroon}:{preimage}"))
    healed[name] = get()
report(answers=answers, healed=healed, spent=len(paid))
