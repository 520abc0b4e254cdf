"""Config files of the tests' own, where the shipped one would make them wait."""

TENANTS = ("acme", "globex", "initech")


def limit(name, rate, scope, route, on_store_error):
    return (f'    {{ name = "{name}"; scope = "{scope}"; routes = ["{route}"];\n'
            f'      rate = "{rate}";\n'
            f'      on_store_error = "{on_store_error}"; }}')


def config_text(rates=None, default="5/10 seconds", on_store_error=None, extra=""):
    """A whole config. `rates`, `on_store_error`: of a tenant's chat limit, by tenant."""
    chosen = {"acme": "8/10 seconds", "globex": "4/10 seconds", "initech": "6/10 seconds",
              **(rates or {})}
    policies = {**dict.fromkeys(TENANTS, "deny"), **(on_store_error or {})}
    defaults = ",\n".join([
        limit("chat", default, "ip", "chat", "allow"),
        limit("session", "10/minute", "ip", "session", "allow"),
        limit("identity_failure", "30/minute", "ip", "identity_failure", "allow")])
    plans = ",\n".join(
        f'  {{ id = "{tenant}"; limits = (\n'
        f'{limit("chat", chosen[tenant], "session", "chat", policies[tenant])} ); }}'
        for tenant in TENANTS)
    tenants = ", ".join(f'{{ id = "{tenant}"; plan = "{tenant}"; }}' for tenant in TENANTS)
    return (f"{extra}\ndefaults = (\n{defaults}\n);\nplans = (\n{plans}\n);\n"
            f"tenants = ( {tenants} );\n")
