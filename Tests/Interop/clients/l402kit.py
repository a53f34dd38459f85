"""l402kit: reads invoice, macaroon and price from the body."""

from l402kit.client import L402Client, L402Wallet

from clients.driver import Task, report, seen

task = Task.read()


class Payer(L402Wallet):
    def pay_invoice(self, bolt11):
        return task.pay(bolt11)


client = L402Client(wallet=Payer(), budget_sats=100)


def get():
    answer = client.get(task["profile"])
    return seen(answer.status_code, answer.json())


answers = [get(), get()]
healed = {}
for name, credential in task["planted"].items():
    client._token_store[client._url_key(task["profile"])] = tuple(credential)
    healed[name] = get()
report(answers=answers, healed=healed, spent=client.spending_report().total)
