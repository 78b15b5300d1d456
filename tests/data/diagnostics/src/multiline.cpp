struct Base
{
  virtual void run (int a,
                    int b) = 0;
};

struct Derived : Base
{
  void run (int a,
            long b) override;
};

int
main ()
{
  Derived d;
  return d.missing ();
}
