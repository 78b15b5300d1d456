#include <string>

namespace ns
{
struct Thing
{
  virtual ~Thing ();
  int run (const std::string &name);
};
}

int
main ()
{
  ns::Thing t;
  return t.run ("x");
}
